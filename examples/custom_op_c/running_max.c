/* The operator example.ops.RunningMax as a shared library: y[..., i] is the largest of x[..., 0] to x[..., i], or, with
 * the attribute reverse = 1, of x[..., i] to the end.
 *
 *   cc -shared -fPIC running_max.c -o running_max.so
 *   anyrt run model.onnx --custom-ops ./running_max.so -i x=x.npy
 */
#include <anyrt/custom_op.h>
#include <stddef.h>

ANYRT_OP_LIBRARY

static const anyrt_op_api* api;

typedef struct Rows {
  const void* x;
  void* y;
  int64_t length;
  int reverse;
  anyrt_dtype dtype;
} Rows;

#define RUNNING_MAX(T)                                      \
  do {                                                      \
    const T* x = (const T*)r->x + row * r->length;          \
    T* y = (T*)r->y + row * r->length;                      \
    int64_t k;                                              \
    for (k = 0; k < r->length; ++k) {                       \
      const int64_t i = r->reverse ? r->length - 1 - k : k; \
      const int64_t before = r->reverse ? i + 1 : i - 1;    \
      y[i] = k > 0 && y[before] > x[i] ? y[before] : x[i];  \
    }                                                       \
  } while (0)

static void run_rows(void* user, int64_t begin, int64_t end) {
  const Rows* r = (const Rows*)user;
  int64_t row;
  for (row = begin; row < end; ++row) {
    if (r->dtype == ANYRT_FLOAT32) {
      RUNNING_MAX(float);
    } else {
      RUNNING_MAX(int64_t);
    }
  }
}

/* The output is as the input, symbolic sizes included. */
static anyrt_status* infer(void* user, anyrt_op_context* c) {
  (void)user;
  if (api->type_rank(api->input_type(c, 0)) == 0)
    return api->status_create(ANYRT_INVALID_ARGUMENT, "RunningMax: x has no axis to run along");
  return api->set_output_type_of(c, 0, 0);
}

static anyrt_status* eval(void* user, anyrt_op_context* c) {
  const anyrt_value* x = api->input(c, 0);
  const size_t rank = api->tensor_rank(x);
  const int64_t* dims = api->tensor_dims(x);
  anyrt_value* y = NULL;
  anyrt_status* status;
  int64_t rows = 1;
  size_t i;
  Rows r;
  (void)user;
  if (rank == 0) return api->status_create(ANYRT_INVALID_ARGUMENT, "RunningMax: x has no axis to run along");
  status = api->make_output(c, 0, api->tensor_dtype(x), dims, rank, &y);
  if (status) return status;
  for (i = 0; i + 1 < rank; ++i) rows *= dims[i];
  r.x = api->tensor_data(x);
  r.y = api->tensor_mutable_data(y);
  r.length = dims[rank - 1];
  r.reverse = api->attr_int(c, "reverse") != 0;
  r.dtype = api->tensor_dtype(x);
  api->parallel_for(c, rows, 64, run_rows, &r);
  return NULL;
}

anyrt_status* anyrt_register_ops(const anyrt_op_api* given, anyrt_op_registry* registry) {
  static const anyrt_op_types types[] = {{"T", "float32|int64"}};
  static const anyrt_op_param inputs[] = {{"x", "T", ANYRT_PARAM_REQUIRED, "what to run along"}};
  static const anyrt_op_param outputs[] = {{"y", "T", ANYRT_PARAM_REQUIRED, "of the shape of x"}};
  static const anyrt_op_attr attrs[] = {
      {"reverse", ANYRT_ATTR_INT, ANYRT_ATTR_HAS_DEFAULT, "1: from the end", 0, 0, NULL, NULL, 0}};
  anyrt_op_def def = {0};
  api = given;
  def.struct_size = sizeof def;
  def.name = "RunningMax";
  def.domain = "example.ops";
  def.doc = "Largest element so far along the last axis.";
  def.types = types;
  def.type_count = 1;
  def.inputs = inputs;
  def.input_count = 1;
  def.outputs = outputs;
  def.output_count = 1;
  def.attrs = attrs;
  def.attr_count = 1;
  def.infer = infer;
  def.eval = eval;
  return api->add_op(registry, &def);
}
