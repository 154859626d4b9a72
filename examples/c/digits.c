/* Says which digits the pictures of a .npy file show, in C99.
 *
 *   ./digits digits.onnx pictures.npy
 */
#include <anyrt/anyrt.h>
#include <stdio.h>
#include <stdlib.h>

#define SIZE 12 /* of a picture, in both directions */
#define MOST 100

static void check(anyrt_status* status, const char* what) {
  if (status == NULL) return;
  fprintf(stderr, "%s: %s: %s\n", what, anyrt_code_name(anyrt_status_code(status)), anyrt_status_message(status));
  anyrt_status_free(status);
  exit(1);
}

/* The numbers behind the header of a .npy file of float32; returns how many pictures there are. */
static int64_t read_pictures(const char* path, float* pictures) {
  unsigned char header[10];
  FILE* file = fopen(path, "rb");
  size_t count = 0;
  if (file != NULL && fread(header, 1, sizeof header, file) == sizeof header &&
      fseek(file, header[8] + 256 * header[9], SEEK_CUR) == 0) {
    count = fread(pictures, sizeof(float), MOST * SIZE * SIZE, file) / (SIZE * SIZE);
  }
  if (file != NULL) fclose(file);
  return (int64_t)count;
}

int main(int argc, char** argv) {
  static float pictures[MOST * SIZE * SIZE];
  const char* const input_names[] = {"picture"};
  const char* const output_names[] = {"probabilities"};
  int64_t dims[4] = {0, 1, SIZE, SIZE};
  anyrt_session* session = NULL;
  anyrt_value* picture = NULL;
  anyrt_value* result = NULL;
  const float* p;
  int64_t i;
  int digit;
  if (argc != 3) {
    fprintf(stderr, "usage: digits MODEL PICTURES\n");
    return 2;
  }
  dims[0] = read_pictures(argv[2], pictures);
  if (dims[0] == 0) {
    fprintf(stderr, "cannot read pictures from '%s'\n", argv[2]);
    return 1;
  }
  check(anyrt_session_load(argv[1], NULL, &session), "loading the model");
  check(anyrt_tensor_borrow(ANYRT_FLOAT32, dims, 4, pictures, (size_t)dims[0] * SIZE * SIZE * sizeof(float), NULL, NULL,
                            &picture),
        "making the input");
  {
    const anyrt_value* inputs[1];
    inputs[0] = picture;
    check(anyrt_session_run(session, NULL, input_names, inputs, 1, output_names, &result, 1), "running the model");
  }
  p = (const float*)anyrt_tensor_data(result);
  for (i = 0; i < dims[0]; ++i, p += 10) {
    int best = 0;
    for (digit = 1; digit < 10; ++digit) {
      if (p[digit] > p[best]) best = digit;
    }
    printf("picture %d shows a %d (%.0f %%)\n", (int)i, best, 100.0 * p[best]);
  }
  anyrt_value_free(result);
  anyrt_value_free(picture);
  anyrt_session_free(session);
  return 0;
}
