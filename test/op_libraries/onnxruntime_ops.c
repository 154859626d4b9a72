/* Looks like a custom-operator library for ONNX Runtime. */
__attribute__((visibility("default"))) void* RegisterCustomOps(void* options, const void* api);
void* RegisterCustomOps(void* options, const void* api) {
  (void)options;
  (void)api;
  return 0;
}
