/* host_shared.cpp: linked into a shared library of kernels as its first object; what lies behind `mark` among the library's zeroed
 * variables are then the shared variables of its kernels, which have no others. */
extern "C" void host_shared_range(char *from, char *to);
extern "C" __attribute__((visibility("hidden"))) char _end[];
static char mark[64] __attribute__((aligned(64), used));

__attribute__((constructor)) static void tell(void) { host_shared_range(mark + sizeof mark, _end); }
