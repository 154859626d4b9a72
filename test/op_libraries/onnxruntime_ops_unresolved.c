/* The same, linked against functions that are not there. */
extern const void* OrtGetApiBase(void);
__attribute__((visibility("default"))) const void* RegisterCustomOps(void* options, const void* api);
const void* RegisterCustomOps(void* options, const void* api) {
  (void)options;
  (void)api;
  return OrtGetApiBase();
}
