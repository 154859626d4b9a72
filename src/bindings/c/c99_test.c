/* Compiled with -std=c99 -pedantic -Werror: that it compiles is half of the test. c99_test.cc calls it. */
#include <string.h>

#include "anyrt/anyrt.h"

static int count_calls;
static void on_done(void* user, anyrt_status* status, anyrt_value** outputs, size_t count) {
  size_t i;
  *(int*)user = status ? -1 : (int)count;
  anyrt_status_free(status);
  for (i = 0; i < count; ++i) anyrt_value_free(outputs[i]);
  ++count_calls;
}

/* Runs y = x + b, z = -x on {3, 4}; 0 when all is well, else the number of the step that went wrong. */
int c99_run_model(const void* model, size_t size);
int c99_run_model(const void* model, size_t size) {
  const char* const names[] = {"x"};
  const int64_t dims[] = {1, 2};
  float data[] = {3, 4};
  anyrt_session* session = NULL;
  anyrt_value* x = NULL;
  const anyrt_value* inputs[1];
  anyrt_value* outputs[] = {NULL, NULL};
  const float* y;
  int async_result = 0;
  anyrt_status* status = anyrt_session_load_bytes(model, size, NULL, NULL, NULL, &session);
  if (status != NULL) return 1;
  if (anyrt_session_input_count(session) != 1 || strcmp(anyrt_session_input_name(session, 0), "x") != 0) return 2;
  if (anyrt_tensor_borrow(ANYRT_FLOAT32, dims, 2, data, sizeof data, NULL, NULL, &x) != NULL) return 3;
  inputs[0] = x;
  if (anyrt_session_run(session, NULL, names, inputs, 1, NULL, outputs, 2) != NULL) return 4;
  y = (const float*)anyrt_tensor_data(outputs[0]);
  if (y[0] != 4 || y[1] != 6) return 5;
  if (anyrt_session_run_async(session, NULL, names, inputs, 1, NULL, NULL, 2, on_done, &async_result) != NULL) return 6;
  anyrt_value_free(outputs[0]);
  anyrt_value_free(outputs[1]);
  anyrt_value_free(x);
  anyrt_session_free(session);
  return count_calls == 1 && async_result == 2 ? 0 : 7;
}
