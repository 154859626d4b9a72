/* Built for an interface that does not exist yet. */
#include <anyrt/custom_op.h>

uint32_t anyrt_op_library_version(void) { return ANYRT_OP_API_VERSION + 1; }
anyrt_status* anyrt_register_ops(const anyrt_op_api* api, anyrt_op_registry* registry) {
  (void)registry;
  return api->status_create(ANYRT_INTERNAL, "called although the version does not fit");
}
