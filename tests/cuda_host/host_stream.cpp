/* host_stream.cpp: streams, which do everything at once; events, which are the clock; and graphs: what a stream was told while it was
 * captured, to be done again. Meanwhile nobody may wait or use the default stream, nor, unless the mode is relaxed, allocate. */
#include "host_inner.h"
#include <atomic>
#include <time.h>
#include <vector>

typedef std::vector<std::function<void()>> list;

struct CUstream_st { bool capturing, strict; list kept; };
struct CUevent_st { double at; bool recorded; };
struct CUgraph_st { list work; };
struct CUgraphExec_st { list work; };

static std::atomic<int> captures{ 0 }, strict_captures{ 0 };

bool host_capturing(void) { return captures > 0; }
bool host_strict(void) { return strict_captures > 0; }

cudaError_t host_do(cudaStream_t stream, std::function<void()> work)
{
    if (stream != nullptr && stream->capturing) stream->kept.push_back(work);
    else if (stream == nullptr && host_capturing()) return host_fail(cudaErrorStreamCaptureUnsupported);
    else {
        host_memory_open();
        work();
        host_memory_close();
    }
    return cudaSuccess;
}

extern "C" cudaError_t cudaStreamCreate(cudaStream_t *stream) { return *stream = new CUstream_st{ false, false, {} }, cudaSuccess; }
extern "C" cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) { return cudaStreamCreate(stream); }

extern "C" cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    if (stream == nullptr) return host_fail(cudaErrorInvalidResourceHandle);
    if (stream->capturing) captures--, strict_captures -= stream->strict;
    delete stream;
    return cudaSuccess;
}

extern "C" cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    return host_fail(stream != nullptr && stream->capturing ? cudaErrorStreamCaptureUnsupported : cudaSuccess);
}

extern "C" cudaError_t cudaStreamQuery(cudaStream_t stream) { return cudaStreamSynchronize(stream); }
extern "C" cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }

/* --- events --- */

extern "C" cudaError_t cudaEventCreate(cudaEvent_t *event) { return *event = new CUevent_st{ 0, false }, cudaSuccess; }
extern "C" cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) { return cudaEventCreate(event); }
extern "C" cudaError_t cudaEventDestroy(cudaEvent_t event) { return delete event, cudaSuccess; }
extern "C" cudaError_t cudaEventSynchronize(cudaEvent_t) { return host_fail(host_capturing() ? cudaErrorStreamCaptureUnsupported : cudaSuccess); }
extern "C" cudaError_t cudaEventQuery(cudaEvent_t) { return cudaSuccess; }

extern "C" cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    return host_do(stream, [=]() {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        event->at = (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
        event->recorded = true;
    });
}

extern "C" cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to)
{
    if (!from->recorded || !to->recorded) return host_fail(cudaErrorInvalidResourceHandle);
    *milliseconds = (float)(to->at - from->at);
    return cudaSuccess;
}

/* --- graphs --- */

extern "C" cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    if (stream == nullptr || stream->capturing) return host_fail(cudaErrorStreamCaptureUnsupported);
    stream->capturing = true;
    stream->strict = mode != cudaStreamCaptureModeRelaxed;
    captures++, strict_captures += stream->strict;
    return cudaSuccess;
}

extern "C" cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    *graph = nullptr;
    if (stream == nullptr || !stream->capturing) return host_fail(cudaErrorInvalidValue);
    stream->capturing = false;
    captures--, strict_captures -= stream->strict;
    *graph = new CUgraph_st{ std::move(stream->kept) };
    stream->kept.clear();
    return cudaSuccess;
}

extern "C" cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *status)
{
    *status = stream != nullptr && stream->capturing ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return cudaSuccess;
}

extern "C" cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long) { return *exec = new CUgraphExec_st{ graph->work }, cudaSuccess; }
extern "C" cudaError_t cudaGraphGetNodes(cudaGraph_t graph, void *, size_t *count) { return *count = graph->work.size(), cudaSuccess; }
extern "C" cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }
extern "C" cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return delete graph, cudaSuccess; }
extern "C" cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) { return delete exec, cudaSuccess; }

extern "C" cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    if (exec == nullptr) return host_fail(cudaErrorInvalidResourceHandle);
    for (auto &work : exec->work) {
        cudaError_t error = host_do(stream, work);
        if (error != cudaSuccess) return error;
    }
    return cudaSuccess;
}
