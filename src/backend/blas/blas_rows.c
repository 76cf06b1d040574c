/* blas_rows.c: the libraries that are known: where they lie, what multiplies, how they are told to use one thread, and how
 * they are asked which processor they think this is.
 *
 * Sources: the libraries' public headers (cblas.h, openblas_config.h, blis.h, mkl_service.h, mkl_types.h, dnnl.h). */
#include "backend/blas/blas_inner.h"
#include <strings.h>

static const struct blas_core mkl_cores[] = {           /* MKL_CBWR_Get_Auto_Branch */
    { 3, "compatible" }, { 4, "sse2" }, { 6, "ssse3" }, { 7, "sse4.1" }, { 8, "sse4.2" }, { 9, "avx" }, { 10, "avx2" }, { 12, "avx512" }, { 14, "avx512_e1" }, { 0, NULL },
};
static const struct blas_core dnnl_cores[] = {          /* dnnl_get_effective_cpu_isa: a set of bits */
    { 0x0, "generic" }, { 0x1, "sse4.1" }, { 0x3, "avx" }, { 0x7, "avx2" }, { 0xf, "avx2_vnni" }, { 0x27, "avx512_core" }, { 0x67, "avx512_core_vnni" },
    { 0xe7, "avx512_core_bf16" }, { 0x1ef, "avx512_core_fp16" }, { 0x3e7, "avx512_core_amx" }, { 0xfef, "avx512_core_amx_fp16" }, { 0, NULL },
};

const struct blas_row blas_rows[] = {
    { .name = "openblas", .title = "OpenBLAS", .package = "Debian's libopenblas0", .files = { "libopenblas.so.0", "libopenblas.so" },
      .product = "cblas_sgemm", .multiply = blas_by_cblas, .set_threads = "openblas_set_num_threads", .core_name = "openblas_get_corename",
      .variable = "OPENBLAS_CORETYPE" },
    { .name = "blis", .title = "BLIS", .package = "Debian's libblis4-pthread", .files = { "libblis.so.4", "libblis.so.3", "libblis.so" },
      .product = "cblas_sgemm", .multiply = blas_by_cblas, .set_threads = "bli_thread_set_num_threads", .wide_threads = true,
      .core_id = "bli_arch_query_id", .core_of_id = "bli_arch_string", .variable = "BLIS_ARCH_TYPE" },
    { .name = "mkl", .title = "Intel oneMKL", .package = "PyPI's mkl (pip install mkl; then name its file, libmkl_rt.so.3, or set LD_LIBRARY_PATH to its folder)",
      .files = { "libmkl_rt.so.3", "libmkl_rt.so.2", "libmkl_rt.so" }, .product = "cblas_sgemm", .multiply = blas_by_cblas,
      .set_layer = "MKL_Set_Threading_Layer", .set_threads = "MKL_Set_Num_Threads", .core_id = "MKL_CBWR_Get_Auto_Branch", .cores = mkl_cores },
    { .name = "onednn", .title = "oneDNN", .package = "Debian's libdnnl2", .files = { "libdnnl.so.3", "libdnnl.so.2", "libdnnl.so" },
      .product = "dnnl_sgemm", .multiply = blas_by_dnnl, .openmp = true, .core_id = "dnnl_get_effective_cpu_isa", .cores = dnnl_cores },
    { .name = NULL },
};

const struct blas_row *blas_row_find(const char *name)
{
    for (const struct blas_row *r = blas_rows; r->name != NULL; r++)
        if (strcasecmp(name, r->name) == 0) return r;
    return NULL;
}

bool blas_at(int i, struct blas_known *known)
{
    if (i < 0 || i >= (int)(sizeof blas_rows / sizeof *blas_rows) - 1) return false;
    *known = (struct blas_known){ blas_rows[i].name, blas_rows[i].title, blas_rows[i].package };
    return true;
}

const char *blas_asked_for(void)
{
#ifdef RECKON_BLAS
    return RECKON_BLAS;
#else
    return NULL;
#endif
}
