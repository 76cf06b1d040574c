/* The stand-in for a device: what it promises to whoever tests kernels on it. */
#include "cublasLt.h"
#include "nvrtc.h"
#include "test.h"
#include "try.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static float *room(size_t n)
{
    float *at;
    REQUIRE(cudaMalloc((void **)&at, n * sizeof *at) == cudaSuccess);
    return at;
}

/* These tests look at the device's memory as it lies, and so open it for good. */
void host_memory_open(void);
__attribute__((constructor)) static void open_memory(void) { host_memory_open(); }

TEST(shared_memory_is_nan_for_every_block)
{
    float *to = room(64 * 3);
    try_poisoned(to, 3, NULL);
    EXPECT(cudaGetLastError() == cudaSuccess);
    for (int i = 0; i < 64 * 3; i++) EXPECT(isnan(to[i]));
    EXPECT(cudaFree(to) == cudaSuccess && cudaFree(to) == cudaErrorInvalidValue && cudaGetLastError() == cudaErrorInvalidValue);
}

TEST(lanes_exchange)
{
    float *to = room(64 * 4 * 2);
    try_exchanges(to, 2, NULL);
    for (int i = 0; i < 64 * 2; i++) {
        int thread = i % 64, lane = thread % 32;
        EXPECT(to[i * 4] == 63 * 32 && to[i * 4 + 1] == 63);
        EXPECT(to[i * 4 + 2] == (float)(thread - lane + 31 - lane) && to[i * 4 + 3] == (float)(thread ^ 1));
    }
    EXPECT(cudaFree(to) == cudaSuccess);
}

TEST(copies_are_there_when_they_were_waited_for)
{
    float *from = room(256), *to = room(96);
    for (int i = 0; i < 256; i++) from[i] = (float)i;
    try_copies(from, to, NULL);
    for (int i = 0; i < 32; i++) EXPECT(isnan(to[i * 3]) && to[i * 3 + 1] == (float)(i * 4 + 3) && to[i * 3 + 2] == (float)(128 + i * 4 + 1));
    EXPECT(cudaFree(from) == cudaSuccess && cudaFree(to) == cudaSuccess);
}

/* Ends the process, which is another one, and says why. */
static void stops(int what, const char *words)
{
    char said[4096] = "";
    int ends[2], status;
    size_t n = 0;
    REQUIRE(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        float *to = room(4);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        try_wrong(what, to, NULL);
        _exit(0);
    }
    (void)close(ends[1]);
    for (ssize_t got; n + 1 < sizeof said && (got = read(ends[0], said + n, sizeof said - n - 1)) > 0;) n += (size_t)got;
    said[n] = '\0';
    (void)close(ends[0]);
    REQUIRE(waitpid(child, &status, 0) == child);
    EXPECT(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
    if (strstr(said, words) == NULL) test_fail(__FILE__, __LINE__, "it says \"%s\", not \"%s\"", said, words);
}

TEST(what_can_never_go_on_is_stopped)
{
    stops(TRY_BARRIER, "40 of 64 threads are at a barrier; this thread has returned");
    stops(TRY_SHUFFLE, "16 of 32 lanes of a warp are at a shuffle");
    stops(TRY_BOTH, "16 of 32 lanes of a warp are at a shuffle");
    stops(TRY_COPY, "a cp.async that nobody waited for");
}

TEST(what_is_out_of_bounds_is_found)
{
    if (!TEST_SANITIZED) SKIP("that is AddressSanitizer's to find");
    stops(TRY_OUTSIDE, "heap-buffer-overflow");
}

TEST(launches_that_a_device_refuses)
{
    float *to = room(64);
    static const struct { unsigned blocks, threads; size_t shared; cudaError_t error; } all[] = {
        { 0, 64, 256, cudaErrorInvalidConfiguration }, { 1, 0, 256, cudaErrorInvalidConfiguration }, { 1, 1025, 256, cudaErrorInvalidConfiguration },
        { 1u << 31, 64, 256, cudaErrorInvalidConfiguration }, { 1, 64, (48 << 10) + 1, cudaErrorInvalidValue }, { 1, 64, 48 << 10, cudaSuccess },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        try_launch(to, all[i].blocks, all[i].threads, all[i].shared, NULL);
        EXPECT_INT(cudaGetLastError(), all[i].error);
    }
    EXPECT(cudaFree(to) == cudaSuccess);
}

TEST(copies_are_held_against_what_was_allocated)
{
    float *at = room(8), host[9] = { 1 };
    EXPECT(cudaMemcpy(at, host, 32, cudaMemcpyHostToDevice) == cudaSuccess && at[0] == 1);
    EXPECT(cudaMemcpy(at, host, 33, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
    EXPECT(cudaMemcpy(at + 4, host, 20, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
    EXPECT(cudaMemcpy(host, at, 32, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
    EXPECT(cudaMemset(at, 0, 33) == cudaErrorInvalidValue);
    EXPECT(cudaGetLastError() == cudaErrorInvalidValue && cudaGetLastError() == cudaSuccess);
    EXPECT(cudaFree(at) == cudaSuccess);
}

TEST(what_a_stream_was_told_is_done_again)
{
    cudaStream_t stream;
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    float *at = room(64), *to = room(64);
    REQUIRE(cudaStreamCreate(&stream) == cudaSuccess && cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
    EXPECT(cudaMemsetAsync(at, 0, 64, stream) == cudaSuccess && cudaMemcpyAsync(to, at, 64, cudaMemcpyDeviceToDevice, stream) == cudaSuccess);
    void *more;
    EXPECT(cudaMalloc(&more, 8) == cudaErrorStreamCaptureUnsupported && cudaStreamSynchronize(stream) == cudaErrorStreamCaptureUnsupported && cudaMemset(at, 0, 64) == cudaErrorStreamCaptureUnsupported);
    REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess && cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess);
    EXPECT(isnan(to[0]));
    EXPECT(cudaGraphLaunch(exec, stream) == cudaSuccess && to[0] == 0 && to[15] == 0 && isnan(to[16]));
    to[0] = 5;
    EXPECT(cudaGraphLaunch(exec, stream) == cudaSuccess && to[0] == 0);
    (void)cudaGetLastError();
    EXPECT(cudaGraphDestroy(graph) == cudaSuccess && cudaGraphExecDestroy(exec) == cudaSuccess && cudaStreamDestroy(stream) == cudaSuccess);
    EXPECT(cudaFree(at) == cudaSuccess && cudaFree(to) == cudaSuccess);
}

/* Two texts that use the same names for other things. */
TEST(programs_are_compiled_and_launched)
{
    static const char *const texts[] = {
        "template <int n> struct words { long long at[n]; };\ntypedef words<2> W;\n"
        "extern \"C\" __global__ void __launch_bounds__(32) same(W w, float add)\n"
        "{ int i = (int)(blockIdx.x * blockDim.x + threadIdx.x); ((float *)w.at[0])[i] = expf(((const float *)w.at[1])[i]) + add; }\n",
        "struct W { long long none, to, from; };\n"
        "__device__ __forceinline__ float twice(float x) { return x + x; }\n"
        "extern \"C\" __global__ void same(struct W w) { int i = (int)(blockIdx.x * blockDim.x + threadIdx.x); ((float *)w.to)[i] = twice(((const float *)w.from)[i]); }\n",
    };
    float *from = room(64), *to = room(64), add = 2;
    cudaLibrary_t library[2];
    cudaKernel_t kernel[2];
    for (int i = 0; i < 64; i++) from[i] = (float)i / 64;
    for (int i = 0; i < 2; i++) {
        nvrtcProgram program;
        size_t n;
        REQUIRE(nvrtcCreateProgram(&program, texts[i], "text", 0, NULL, NULL) == NVRTC_SUCCESS && nvrtcCompileProgram(program, 0, NULL) == NVRTC_SUCCESS);
        REQUIRE(nvrtcGetCUBINSize(program, &n) == NVRTC_SUCCESS);
        char *code = malloc(n);
        REQUIRE(code != NULL && nvrtcGetCUBIN(program, code) == NVRTC_SUCCESS && nvrtcDestroyProgram(&program) == NVRTC_SUCCESS);
        REQUIRE(cudaLibraryLoadData(&library[i], code, NULL, NULL, 0, NULL, NULL, 0) == cudaSuccess && cudaLibraryGetKernel(&kernel[i], library[i], "same") == cudaSuccess);
        free(code);
    }
    long long a[] = { (long long)(intptr_t)to, (long long)(intptr_t)from }, b[] = { 0, a[0], a[1] };
    void *of_a[] = { a, &add }, *of_b[] = { b };
    EXPECT(cudaLaunchKernel((const void *)kernel[0], (struct dim3){ 2, 1, 1 }, (struct dim3){ 32, 1, 1 }, of_a, 0, NULL) == cudaSuccess);
    for (int i = 0; i < 64; i++) EXPECT_NEAR(to[i], exp(from[i]) + 2, 1e-6);
    EXPECT(cudaLaunchKernel((const void *)kernel[1], (struct dim3){ 2, 1, 1 }, (struct dim3){ 32, 1, 1 }, of_b, 0, NULL) == cudaSuccess);
    for (int i = 0; i < 64; i++) EXPECT(to[i] == 2 * from[i]);
    EXPECT(cudaLibraryUnload(library[0]) == cudaSuccess && cudaLibraryUnload(library[1]) == cudaSuccess);
    EXPECT(cudaFree(from) == cudaSuccess && cudaFree(to) == cudaSuccess);
}

TEST(a_program_that_does_not_compile_says_why)
{
    nvrtcProgram program;
    char log[4096];
    size_t n;
    REQUIRE(nvrtcCreateProgram(&program, "extern \"C\" __global__ void k(int x) { nowhere = x; }", "text", 0, NULL, NULL) == NVRTC_SUCCESS);
    EXPECT(nvrtcCompileProgram(program, 0, NULL) == NVRTC_ERROR_COMPILATION);
    REQUIRE(nvrtcGetProgramLogSize(program, &n) == NVRTC_SUCCESS && n < sizeof log && nvrtcGetProgramLog(program, log) == NVRTC_SUCCESS);
    EXPECT(strstr(log, "nowhere") != NULL);
    EXPECT(nvrtcDestroyProgram(&program) == NVRTC_SUCCESS);
}

TEST(sixteen_bits_round_to_nearest_even)
{
    static const struct { float x; uint16_t bf16, f16; } all[] = {
        { 1, 0x3f80, 0x3c00 }, { -2.5f, 0xc020, 0xc100 }, { 1.00390625f, 0x3f80, 0x3c04 }, { 1.01171875f, 0x3f82, 0x3c0c }, { 65519, 0x4780, 0x7bff }, { 65520, 0x4780, 0x7c00 },
        { 0x1p-24f, 0x3380, 0x0001 }, { 0x1p-25f, 0x3300, 0x0000 }, { 0x1.8p-25f, 0x3340, 0x0001 }, { 0x1.ffcp-15f, 0x3880, 0x0400 }, { 0x1.ff8p-15f, 0x3880, 0x03ff }, { 2047.5f, 0x4500, 0x6800 },
    };
    uint16_t host_to_bf16(float x), host_to_f16(float x);
    float host_from_bf16(uint16_t bits), host_from_f16(uint16_t bits);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        EXPECT_INT(host_to_bf16(all[i].x), all[i].bf16);
        EXPECT_INT(host_to_f16(all[i].x), all[i].f16);
    }
    for (unsigned bits = 0; bits < 65536; bits++) {
        float x = host_from_f16((uint16_t)bits), y = host_from_bf16((uint16_t)bits);
        EXPECT(isnan(x) ? host_to_f16(x) == 0x7fff : host_to_f16(x) == bits);
        EXPECT(isnan(y) ? host_to_bf16(y) == 0x7fff : host_to_bf16(y) == bits);
    }
    EXPECT(isinf(host_from_f16(0x7c00)) && host_from_f16(0xfc00) < 0 && host_from_f16(0x3555) < 1 / 3.0f);
}
