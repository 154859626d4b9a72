#ifndef ANYRT_CUSTOM_OP_H_
#define ANYRT_CUSTOM_OP_H_

/* Operators of your own in a shared library. The library exports two functions: the version that ANYRT_OP_LIBRARY
 * defines, and anyrt_register_ops, which registers its operators. It links nothing of anyrt: what it calls stands in
 * the table that it is given. C99 and C++.
 *
 *   ANYRT_OP_LIBRARY
 *   anyrt_status* anyrt_register_ops(const anyrt_op_api* api, anyrt_op_registry* registry) {
 *     ... return api->add_op(registry, &def);
 *   }
 */

#include "anyrt/anyrt.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ANYRT_OP_API_VERSION 1

typedef struct anyrt_op_registry anyrt_op_registry;
/* One node while it is inferred or run; valid during the call. */
typedef struct anyrt_op_context anyrt_op_context;

enum {
  ANYRT_PARAM_REQUIRED = 0,
  ANYRT_PARAM_OPTIONAL = 1,
  ANYRT_PARAM_VARIADIC = 2,    /* the last one only; all of one type */
  ANYRT_PARAM_VARIADIC_ANY = 4 /* the last one only; each may have its own type */
};

/* An input or output. */
typedef struct anyrt_op_param {
  const char* name;
  const char*
      type; /* the name of one of `types`, or types themselves: "float32|float64", "seq(int64)", "tensor", "any" */
  uint32_t flags;  /* ANYRT_PARAM_* */
  const char* doc; /* may be NULL, here and below */
} anyrt_op_param;

/* Numbered as in ONNX's AttributeProto. */
typedef enum anyrt_attr_kind {
  ANYRT_ATTR_FLOAT = 1,
  ANYRT_ATTR_INT = 2,
  ANYRT_ATTR_STRING = 3,
  ANYRT_ATTR_TENSOR = 4,
  ANYRT_ATTR_FLOATS = 6,
  ANYRT_ATTR_INTS = 7,
  ANYRT_ATTR_STRINGS = 8
} anyrt_attr_kind;

enum { ANYRT_ATTR_OPTIONAL = 0, ANYRT_ATTR_REQUIRED = 1, ANYRT_ATTR_HAS_DEFAULT = 2 };

typedef struct anyrt_op_attr {
  const char* name;
  anyrt_attr_kind kind;
  uint32_t flags; /* ANYRT_ATTR_OPTIONAL, _REQUIRED or _HAS_DEFAULT */
  const char* doc;
  /* The default, of kinds INT, FLOAT, STRING and INTS. */
  int64_t i;
  float f;
  const char* s;
  const int64_t* ints;
  size_t ints_count;
} anyrt_op_attr;

/* A type variable: inputs and outputs that name it have one and the same type. */
typedef struct anyrt_op_types {
  const char* name; /* "T" */
  const char* types;
} anyrt_op_types;

enum {
  ANYRT_OP_PURE = 0,
  ANYRT_OP_STATEFUL = 1 /* has state, effects or random results: never folded or merged */
};

/* What an operator is. Texts and arrays are copied. */
typedef struct anyrt_op_def {
  size_t struct_size; /* sizeof(anyrt_op_def) */
  const char* name;
  const char* domain;
  int since; /* oldest version of the domain that has it; 0 stands for 1 */
  const char* doc;
  uint32_t flags; /* ANYRT_OP_* */
  const anyrt_op_param* inputs;
  size_t input_count;
  const anyrt_op_param* outputs;
  size_t output_count;
  const anyrt_op_attr* attrs;
  size_t attr_count;
  const anyrt_op_types* types;
  size_t type_count;
  /* Says the types of the outputs as far as the inputs tell. May be NULL: then element types follow from `types`, and
   * shapes are known when the model runs. */
  anyrt_status* (*infer)(void* user, anyrt_op_context* context);
  /* Makes the outputs. Called by any number of threads at a time. */
  anyrt_status* (*eval)(void* user, anyrt_op_context* context);
  void* user;
  void (*destroy)(void* user); /* called when nothing uses the operator any more; may be NULL */
} anyrt_op_def;

/* What a library may call. Functions are only ever added at the end; `struct_size` says how many there are. Those that
 * return anyrt_status* report an error as the functions of anyrt.h do; pass it on, or free it with status_free. */
typedef struct anyrt_op_api {
  size_t struct_size;
  uint32_t version; /* ANYRT_OP_API_VERSION of the anyrt that runs */

  anyrt_status* (*status_create)(anyrt_code code, const char* message);
  void (*status_free)(anyrt_status* status);

  anyrt_status* (*add_op)(anyrt_op_registry* registry, const anyrt_op_def* def);

  /* In `infer` and `eval`. A node may leave optional inputs out. */
  size_t (*input_count)(const anyrt_op_context* context);
  size_t (*output_count)(const anyrt_op_context* context);
  int (*has_input)(const anyrt_op_context* context, size_t index);
  int (*wants_output)(const anyrt_op_context* context, size_t index);
  /* Attributes that are neither given nor have a default are 0, "" or empty. */
  int (*has_attr)(const anyrt_op_context* context, const char* name);
  int64_t (*attr_int)(const anyrt_op_context* context, const char* name);
  float (*attr_float)(const anyrt_op_context* context, const char* name);
  const char* (*attr_string)(const anyrt_op_context* context, const char* name);
  const int64_t* (*attr_ints)(const anyrt_op_context* context, const char* name, size_t* count);
  const float* (*attr_floats)(const anyrt_op_context* context, const char* name, size_t* count);
  size_t (*attr_strings_count)(const anyrt_op_context* context, const char* name);
  const char* (*attr_strings_at)(const anyrt_op_context* context, const char* name, size_t index);
  const anyrt_value* (*attr_tensor)(anyrt_op_context* context, const char* name); /* NULL when absent */

  /* In `infer`. The type of an omitted input is of kind ANYRT_KIND_NONE. */
  const anyrt_type* (*input_type)(anyrt_op_context* context, size_t index);
  /* An input that is known before the model runs, else NULL. */
  const anyrt_value* (*input_constant)(anyrt_op_context* context, size_t index);
  /* `rank` -1: not known; a dim of -1 is not known. */
  anyrt_status* (*set_output_type)(anyrt_op_context* context, size_t index, anyrt_dtype dtype, const int64_t* dims,
                                   int rank);
  /* That of an input, symbolic sizes included. */
  anyrt_status* (*set_output_type_of)(anyrt_op_context* context, size_t index, size_t input);
  /* As text: "float32[N,2*M]", "seq(int64)". */
  anyrt_status* (*set_output_type_text)(anyrt_op_context* context, size_t index, const char* type);

  /* In `eval`. NULL for an omitted input. */
  const anyrt_value* (*input)(anyrt_op_context* context, size_t index);
  /* Makes output `index`, not initialised (strings: empty); write into tensor_mutable_data(*out). */
  anyrt_status* (*make_output)(anyrt_op_context* context, size_t index, anyrt_dtype dtype, const int64_t* dims,
                               size_t rank, anyrt_value** out);
  /* Sets output `index` to a value that the operator has made; the caller keeps its handle. */
  anyrt_status* (*set_output)(anyrt_op_context* context, size_t index, const anyrt_value* value);
  /* Calls `body` for pieces of [0, n) of at least `grain`, on several threads. */
  void (*parallel_for)(anyrt_op_context* context, int64_t n, int64_t grain,
                       void (*body)(void* user, int64_t begin, int64_t end), void* user);
  /* An error when the run is cancelled or out of time: long loops ask now and then and return it. */
  anyrt_status* (*check_cancelled)(anyrt_op_context* context);

  /* Values and types: the functions of anyrt.h of the same names. */
  anyrt_kind (*value_kind)(const anyrt_value* value);
  anyrt_dtype (*tensor_dtype)(const anyrt_value* tensor);
  size_t (*tensor_rank)(const anyrt_value* tensor);
  const int64_t* (*tensor_dims)(const anyrt_value* tensor);
  size_t (*tensor_size)(const anyrt_value* tensor);
  const void* (*tensor_data)(const anyrt_value* tensor);
  void* (*tensor_mutable_data)(anyrt_value* tensor);
  anyrt_status* (*tensor_string)(const anyrt_value* tensor, size_t index, const char** out, size_t* length);
  anyrt_status* (*tensor_set_string)(anyrt_value* tensor, size_t index, const char* text, size_t length);
  anyrt_status* (*tensor_create)(anyrt_dtype dtype, const int64_t* dims, size_t rank, anyrt_value** out);
  anyrt_status* (*sequence_create)(const anyrt_type* elem, const anyrt_value* const* values, size_t count,
                                   anyrt_value** out);
  size_t (*value_count)(const anyrt_value* value);
  anyrt_status* (*value_get)(const anyrt_value* value, size_t index, anyrt_value** out);
  void (*value_free)(anyrt_value* value);
  anyrt_kind (*type_kind)(const anyrt_type* type);
  anyrt_dtype (*type_dtype)(const anyrt_type* type);
  int (*type_rank)(const anyrt_type* type);
  int64_t (*type_dim)(const anyrt_type* type, size_t axis);
  const anyrt_type* (*type_elem)(const anyrt_type* type);
} anyrt_op_api;

/* What a library exports. An error that is returned is reported to whoever loads it. */
ANYRT_API anyrt_status* anyrt_register_ops(const anyrt_op_api* api, anyrt_op_registry* registry);
ANYRT_API uint32_t anyrt_op_library_version(void);

/* Once in each library: says which version of this file it was built with. */
#ifdef __cplusplus
#define ANYRT_OP_LIBRARY \
  extern "C" uint32_t anyrt_op_library_version(void) { return ANYRT_OP_API_VERSION; }
#else
#define ANYRT_OP_LIBRARY \
  uint32_t anyrt_op_library_version(void) { return ANYRT_OP_API_VERSION; }
#endif

#ifdef __cplusplus
}
#endif

#endif /* ANYRT_CUSTOM_OP_H_ */
