/* Operators that use each part of the interface, and some that misuse it. Domain test.ops. */
#include <anyrt/custom_op.h>
#include <stdlib.h>
#include <string.h>

ANYRT_OP_LIBRARY

static const anyrt_op_api* api;
static int destroyed;

/* How many operators were destroyed. */
ANYRT_API int destroyed_count(void);
int destroyed_count(void) { return destroyed; }
static void destroy(void* user) {
  free(user);
  ++destroyed;
}

/* y: the strings of x with `prefix` before and the names of `marks` after. */
static anyrt_status* eval_mark(void* user, anyrt_op_context* c) {
  const anyrt_value* x = api->input(c, 0);
  anyrt_value* y = NULL;
  size_t i, k;
  anyrt_status* status = api->make_output(c, 0, ANYRT_STRING, api->tensor_dims(x), api->tensor_rank(x), &y);
  (void)user;
  for (i = 0; !status && i < api->tensor_size(x); ++i) {
    char text[256];
    const char* s = NULL;
    size_t length = 0;
    status = api->tensor_string(x, i, &s, &length);
    if (status) break;
    strcpy(text, api->attr_string(c, "prefix"));
    strncat(text, s, length);
    for (k = 0; k < api->attr_strings_count(c, "marks"); ++k) strcat(text, api->attr_strings_at(c, "marks", k));
    status = api->tensor_set_string(y, i, text, strlen(text));
  }
  return status;
}

/* y: a sequence of x and x. */
static anyrt_status* infer_twice(void* user, anyrt_op_context* c) {
  (void)user;
  return api->set_output_type_text(c, 0, "seq(float32)");
}
static anyrt_status* eval_twice(void* user, anyrt_op_context* c) {
  const anyrt_value* both[2];
  anyrt_value* sequence = NULL;
  anyrt_status* status;
  (void)user;
  both[0] = both[1] = api->input(c, 0);
  status = api->sequence_create(NULL, both, 2, &sequence);
  if (!status) status = api->set_output(c, 0, sequence);
  api->value_free(sequence);
  return status;
}

/* y: float32[2] of the constant input's first element and the number kept by the operator. */
static anyrt_status* infer_state(void* user, anyrt_op_context* c) {
  const int64_t dims[] = {2};
  (void)user;
  if (!api->input_constant(c, 0)) return api->status_create(ANYRT_INVALID_ARGUMENT, "x must be a constant");
  return api->set_output_type(c, 0, ANYRT_FLOAT32, dims, 1);
}
static anyrt_status* eval_state(void* user, anyrt_op_context* c) {
  const int64_t dims[] = {2};
  anyrt_value* y = NULL;
  anyrt_status* status = api->make_output(c, 0, ANYRT_FLOAT32, dims, 1, &y);
  if (status) return status;
  ((float*)api->tensor_mutable_data(y))[0] = *(const float*)api->tensor_data(api->input(c, 0));
  ((float*)api->tensor_mutable_data(y))[1] = *(const float*)user;
  return NULL;
}

static anyrt_status* eval_nothing(void* user, anyrt_op_context* c) {
  (void)user;
  (void)c;
  return NULL;
}
static anyrt_status* eval_fails(void* user, anyrt_op_context* c) {
  (void)user;
  (void)c;
  return api->status_create(ANYRT_OUT_OF_RANGE, "beyond the end");
}
static anyrt_status* infer_in_eval(void* user, anyrt_op_context* c) {
  (void)user;
  return api->set_output_type_of(c, 0, 0);
}

static anyrt_status* add(anyrt_op_registry* registry, const char* name, const char* in, const char* out,
                         anyrt_status* (*infer)(void*, anyrt_op_context*),
                         anyrt_status* (*eval)(void*, anyrt_op_context*)) {
  static const int64_t ints[] = {1, 2};
  static const anyrt_op_attr attrs[] = {
      {"prefix", ANYRT_ATTR_STRING, ANYRT_ATTR_HAS_DEFAULT, NULL, 0, 0, "<", NULL, 0},
      {"marks", ANYRT_ATTR_STRINGS, ANYRT_ATTR_OPTIONAL, NULL, 0, 0, NULL, NULL, 0},
      {"sizes", ANYRT_ATTR_INTS, ANYRT_ATTR_HAS_DEFAULT, NULL, 0, 0, NULL, ints, 2},
  };
  anyrt_op_param input, output;
  anyrt_op_def def;
  float* kept = (float*)malloc(sizeof *kept);
  memset(&def, 0, sizeof def);
  memset(&input, 0, sizeof input);
  memset(&output, 0, sizeof output);
  *kept = 42;
  input.name = "x";
  input.type = in;
  output.name = "y";
  output.type = out;
  def.struct_size = sizeof def;
  def.name = name;
  def.domain = "test.ops";
  def.inputs = &input;
  def.input_count = 1;
  def.outputs = &output;
  def.output_count = 1;
  def.attrs = attrs;
  def.attr_count = 3;
  def.infer = infer;
  def.eval = eval;
  def.user = kept;
  def.destroy = destroy;
  return api->add_op(registry, &def);
}

anyrt_status* anyrt_register_ops(const anyrt_op_api* given, anyrt_op_registry* registry) {
  anyrt_status* status;
  api = given;
  status = add(registry, "Mark", "string", "string", NULL, eval_mark);
  if (!status) status = add(registry, "Twice", "float32", "seq(float32)", infer_twice, eval_twice);
  if (!status) status = add(registry, "State", "float32", "float32", infer_state, eval_state);
  if (!status) status = add(registry, "Nothing", "float32", "float32", NULL, eval_nothing);
  if (!status) status = add(registry, "Fails", "float32", "float32", NULL, eval_fails);
  if (!status) status = add(registry, "Confused", "float32", "float32", NULL, infer_in_eval);
  return status;
}
