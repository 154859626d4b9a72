# cmake -DSTRIP=... -DFILE=... -P: prints how large the file is without symbols that only debuggers read.
execute_process(COMMAND ${STRIP} -o ${FILE}.stripped ${FILE} COMMAND_ERROR_IS_FATAL ANY)
file(SIZE ${FILE}.stripped bytes)
file(REMOVE ${FILE}.stripped)
math(EXPR kib "(${bytes} + 1023) / 1024")
cmake_path(GET FILE FILENAME name)
message("${name}: ${bytes} bytes (${kib} KiB) stripped")
