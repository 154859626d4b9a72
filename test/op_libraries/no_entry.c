/* A library, but not of operators. */
int something(void);
int something(void) { return 1; }
