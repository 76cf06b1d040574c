/* host_nvrtc.cpp: programs made at run time: what a text needs of CUDA C is put before it, a caller for each of its kernels behind it,
 * and the compiler this was built with makes a shared library of that, of which only the callers are seen: all texts use the same names. Equal texts are compiled once in a process. */
#include "host_inner.h"
#include "nvrtc.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#ifndef CUDA_HOST_COMPILER
#define CUDA_HOST_COMPILER "c++"
#endif
#if defined __has_feature
#if __has_feature(address_sanitizer) && !defined __SANITIZE_ADDRESS__
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SANITIZE "-fsanitize=address"
#else
#define SANITIZE "-fno-sanitize=all"
#endif

extern char **environ;

static const char MAGIC[] = "host cubin";
struct cubin { char magic[16]; size_t bytes; };

struct _nvrtcProgram { std::string text, log, cubin; };
struct CUkern_st { std::string name; void (*call)(void **arguments); const size_t *sizes; };
struct CUlib_st { void *library; std::vector<CUkern_st *> kernels; };

/* No header is read: each would take longer than the text. */
static const char before[] =
    "#define RECKON_CUDA_HOST 1\n"
    "#define __global__\n#define __device__ static\n#define __host__\n#define __forceinline__ inline\n#define __restrict__ __restrict\n"
    "#define __launch_bounds__(...)\n#define __align__(n) __attribute__((aligned(n)))\n#define __constant__ static const\n"
    "struct host_three { unsigned x, y, z; };\n"
    "struct host_place { host_three thread, block, threads, blocks; };\n"
    "#pragma GCC visibility push(default)\nextern \"C\" {\n"
    "extern host_place host_at;\nvoid host_sync(void);\n"
    "float host_from_bf16(unsigned short); unsigned short host_to_bf16(float); float host_from_f16(unsigned short); unsigned short host_to_f16(float);\n"
#define ONE(f) "float " #f "f(float); double " #f "(double);\n"
#define TWO(f) "float " #f "f(float, float); double " #f "(double, double);\n"
    ONE(exp) ONE(exp2) ONE(expm1) ONE(log) ONE(log2) ONE(log1p) ONE(sqrt) ONE(sin) ONE(cos) ONE(tanh) ONE(erf) ONE(erfc) ONE(fabs) ONE(floor) ONE(ceil) ONE(rint) ONE(trunc)
    TWO(pow) TWO(fmax) TWO(fmin) TWO(fmod) TWO(copysign)
#undef ONE
#undef TWO
    "float fmaf(float, float, float); double fma(double, double, double);\n"
    "}\n#pragma GCC visibility pop\n"
    "#define threadIdx host_at.thread\n#define blockIdx host_at.block\n#define blockDim host_at.threads\n#define gridDim host_at.blocks\n"
    "#define __syncthreads host_sync\n#define __expf expf\n#define __logf logf\n"
    "static inline float rsqrtf(float x) { return (float)(1 / sqrt((double)x)); }\nstatic inline double rsqrt(double x) { return 1 / sqrt(x); }\n"
    "static inline float __uint_as_float(unsigned x) { float y; __builtin_memcpy(&y, &x, 4); return y; }\n"
    "static inline unsigned __float_as_uint(float x) { unsigned y; __builtin_memcpy(&y, &x, 4); return y; }\n"
    "static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) { return (unsigned long long)((unsigned __int128)a * b >> 64); }\n"
    "static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }\n"
    "#line 1 \"program\"\n";

static const char behind[] =
    "\n#line 1 \"callers\"\n"
    "template <typename... P> struct host_kernel {\n"
    "    static constexpr unsigned long sizes[] = { sizeof(P)..., 0 };\n"
    "    template <unsigned long... i> struct places {};\n"
    "    template <unsigned long n, unsigned long... i> struct count : count<n - 1, n - 1, i...> {};\n"
    "    template <unsigned long... i> struct count<0, i...> { typedef places<i...> all; };\n"
    "    template <unsigned long... i> static void spread(void (*f)(P...), void **a, places<i...>) { f(*(P *)a[i]...); }\n"
    "    static void call(void (*f)(P...), void **a) { spread(f, a, typename count<sizeof...(P)>::all()); }\n"
    "};\n"
    "template <typename... P> static void host_call(void (*f)(P...), void **a) { host_kernel<P...>::call(f, a); }\n"
    "template <typename... P> static const unsigned long *host_sizes(void (*)(P...)) { return host_kernel<P...>::sizes; }\n";

static bool is_word(char c) { return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* Names of kernels: the word before the list of parameters, which is the first that follows __global__ and any __launch_bounds__(...). */
static std::vector<std::string> kernels_of(const std::string &text)
{
    static const std::string global = "__global__", bounds = "__launch_bounds__";
    std::vector<std::string> names;
    for (size_t at = text.find(global); at != std::string::npos; at = text.find(global, at)) {
        at += global.size();
        size_t open = text.find('(', at), skip = text.find(bounds, at);
        if (skip != std::string::npos && skip < open) open = text.find('(', text.find(')', open));
        if (open == std::string::npos) break;
        size_t end = open;
        while (end > at && !is_word(text[end - 1])) end--;
        size_t begin = end;
        while (begin > at && is_word(text[begin - 1])) begin--;
        names.push_back(text.substr(begin, end - begin));
    }
    return names;
}

static std::string temporary(const char *what)
{
    const char *folder = getenv("TMPDIR");
    std::string path = std::string(folder != nullptr && folder[0] != '\0' ? folder : "/tmp") + "/cuda_host_" + what + "_XXXXXX";
    int fd = mkstemp(&path[0]);
    if (fd < 0) {
        perror(("cuda_host: " + path).c_str());
        abort();
    }
    close(fd);
    return path;
}

static std::string read_all(const std::string &path)
{
    std::string all;
    char some[4096];
    FILE *f = fopen(path.c_str(), "rb");
    for (size_t n; f != nullptr && (n = fread(some, 1, sizeof some, f)) > 0;) all.append(some, n);
    if (f != nullptr) fclose(f);
    return all;
}

static void write_all(const std::string &path, const char *from, size_t n)
{
    FILE *f = fopen(path.c_str(), "wb");
    if (f == nullptr || fwrite(from, 1, n, f) != n || fclose(f) != 0) {
        perror(("cuda_host: " + path).c_str());
        abort();
    }
}

static bool run_compiler(const std::string &source, const std::string &result, const std::string &log)
{
    static const char *const flags[] = { CUDA_HOST_COMPILER, "-std=c++17", "-x", "c++", "-O1", "-g0", "-w", "-fPIC", "-shared", "-fvisibility=hidden", "-fno-exceptions", "-fno-rtti", "-fno-math-errno",
                                         "-ffp-contract=off", "-pipe", SANITIZE };
    std::vector<char *> arguments;
    posix_spawn_file_actions_t files;
    pid_t pid;
    int status = -1;
    for (auto flag : flags) arguments.push_back((char *)flag);
    for (auto word : { source.c_str(), "-o", result.c_str(), (const char *)nullptr }) arguments.push_back((char *)word);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 2, log.c_str(), O_WRONLY | O_TRUNC, 0600);
    bool started = posix_spawnp(&pid, CUDA_HOST_COMPILER, &files, nullptr, arguments.data(), environ) == 0;
    posix_spawn_file_actions_destroy(&files);
    return started && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

extern "C" const char *nvrtcGetErrorString(nvrtcResult result)
{
    return result == NVRTC_SUCCESS ? "NVRTC_SUCCESS" : result == NVRTC_ERROR_COMPILATION ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR";
}

extern "C" nvrtcResult nvrtcVersion(int *major, int *minor) { return *major = CUDART_VERSION / 1000, *minor = 0, NVRTC_SUCCESS; }
extern "C" nvrtcResult nvrtcGetNumSupportedArchs(int *n) { return *n = 1, NVRTC_SUCCESS; }
extern "C" nvrtcResult nvrtcGetSupportedArchs(int *archs) { return *archs = 90, NVRTC_SUCCESS; }

extern "C" nvrtcResult nvrtcCreateProgram(nvrtcProgram *program, const char *text, const char *, int n_headers, const char *const *, const char *const *)
{
    *program = nullptr;
    if (text == nullptr || n_headers != 0) return NVRTC_ERROR_INVALID_INPUT;
    *program = new _nvrtcProgram{ text, {}, {} };
    return NVRTC_SUCCESS;
}

extern "C" nvrtcResult nvrtcCompileProgram(nvrtcProgram program, int, const char *const *)
{
    static std::mutex mutex;
    static std::map<std::string, std::string> made;
    std::lock_guard<std::mutex> lock(mutex);
    auto found = made.find(program->text);
    if (found != made.end()) return program->cubin = found->second, NVRTC_SUCCESS;
    std::string text = before + program->text + behind;
    for (auto &name : kernels_of(program->text))
        text += "extern \"C\" __attribute__((visibility(\"default\"))) void host_call_" + name + "(void **a) { host_call(&" + name + ", a); }\n"
                "extern \"C\" __attribute__((visibility(\"default\"))) const unsigned long *host_sizes_" + name + "(void) { return host_sizes(&" + name + "); }\n";
    std::string source = temporary("text"), result = temporary("code"), log = temporary("log");
    write_all(source, text.data(), text.size());
    bool compiled = run_compiler(source, result, log);
    std::string code = read_all(result);
    program->log = read_all(log);
    for (auto &path : { source, result, log }) unlink(path.c_str());
    if (!compiled) return NVRTC_ERROR_COMPILATION;
    struct cubin head = { {}, code.size() };
    memcpy(head.magic, MAGIC, sizeof MAGIC);
    program->cubin = made[program->text] = std::string((const char *)&head, sizeof head) + code;
    return NVRTC_SUCCESS;
}

extern "C" nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram program, size_t *bytes) { return *bytes = program->log.size() + 1, NVRTC_SUCCESS; }
extern "C" nvrtcResult nvrtcGetProgramLog(nvrtcProgram program, char *log) { return memcpy(log, program->log.c_str(), program->log.size() + 1), NVRTC_SUCCESS; }
extern "C" nvrtcResult nvrtcGetCUBINSize(nvrtcProgram program, size_t *bytes) { return *bytes = program->cubin.size(), NVRTC_SUCCESS; }
extern "C" nvrtcResult nvrtcGetCUBIN(nvrtcProgram program, char *cubin) { return memcpy(cubin, program->cubin.data(), program->cubin.size()), NVRTC_SUCCESS; }

extern "C" nvrtcResult nvrtcDestroyProgram(nvrtcProgram *program)
{
    delete *program;
    *program = nullptr;
    return NVRTC_SUCCESS;
}

/* --- what was compiled, loaded and launched --- */

extern "C" cudaError_t cudaLibraryLoadData(cudaLibrary_t *library, const void *code, cudaJitOption *, void **, unsigned, cudaLibraryOption *, void **, unsigned)
{
    struct cubin head;
    *library = nullptr;
    memcpy(&head, code, sizeof head);
    if (memcmp(head.magic, MAGIC, sizeof MAGIC) != 0) return host_fail(cudaErrorInvalidKernelImage);
    std::string path = temporary("loaded");
    write_all(path, (const char *)code + sizeof head, head.bytes);
    void *opened = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (opened == nullptr) fprintf(stderr, "cuda_host: %s\n", dlerror());
    unlink(path.c_str());
    if (opened == nullptr) return host_fail(cudaErrorInvalidKernelImage);
    *library = new CUlib_st{ opened, {} };
    return cudaSuccess;
}

extern "C" cudaError_t cudaLibraryUnload(cudaLibrary_t library)
{
    if (library == nullptr) return host_fail(cudaErrorInvalidResourceHandle);
    for (auto kernel : library->kernels) delete kernel;
    dlclose(library->library);
    delete library;
    return cudaSuccess;
}

extern "C" cudaError_t cudaLibraryGetKernel(cudaKernel_t *kernel, cudaLibrary_t library, const char *name)
{
    void *call = dlsym(library->library, (std::string("host_call_") + name).c_str()), *sizes = dlsym(library->library, (std::string("host_sizes_") + name).c_str());
    *kernel = nullptr;
    if (call == nullptr || sizes == nullptr) return host_fail(cudaErrorSymbolNotFound);
    *kernel = new CUkern_st{ name, (void (*)(void **))call, ((const size_t *(*)(void))sizes)() };
    library->kernels.push_back(*kernel);
    return cudaSuccess;
}

extern "C" cudaError_t cudaLaunchKernel(const void *kernel, dim3 blocks, dim3 threads, void **arguments, size_t shared, cudaStream_t stream)
{
    const CUkern_st *k = (const CUkern_st *)kernel;
    std::vector<std::string> kept;
    if (kernel == nullptr) return host_fail(cudaErrorInvalidDeviceFunction);
    for (size_t i = 0; k->sizes[i] > 0; i++) kept.push_back(std::string((const char *)arguments[i], k->sizes[i]));
    cudaError_t before_it = cudaPeekAtLastError();
    host_launch_body(k->name.c_str(), kernel, blocks, threads, shared, stream, [k, kept]() {
        std::vector<void *> at;
        for (auto &one : kept) at.push_back((void *)one.data());
        k->call(at.data());
    });
    return cudaPeekAtLastError() == before_it ? cudaSuccess : cudaPeekAtLastError();
}
