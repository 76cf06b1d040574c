/* list_dtypes.c: what a number can be: range and precision, which follow from the bits, and the first hardware that multiplies
 * matrices of it, which does not. */
#include "list_tables.h"
#include "out.h"
#include "reckon/dim.h"
#include <string.h>

/* The first to be sold or rented with units that multiply matrices of this dtype; integers and floats sum in wider ones.
 * Sources: Jouppi et al. 2017, "In-datacenter performance analysis of a tensor processing unit" (arXiv 1704.04760): 8-bit operands,
 * 16-bit ones at a quarter of the speed; Jouppi et al. 2020, "A domain-specific supercomputer for training deep neural networks":
 * bfloat16 from TPU v2 on; NVIDIA's white papers on Volta (2017), Ampere A100 (2020) and Hopper (2022); AMD's on CDNA (2020). */
static const struct { rk_dtype dtype; const char *hardware; } first[] = {
    { RK_f64,    "NVIDIA A100, 2020" },
    { RK_f32,    "AMD MI100, 2020" },
    { RK_f16,    "NVIDIA V100, 2017" },
    { RK_bf16,   "Google TPU v2, 2017" },
    { RK_f8e4m3, "NVIDIA H100, 2022" },
    { RK_f8e5m2, "NVIDIA H100, 2022" },
    { RK_i16,    "Google TPU v1, 2015, at a quarter of the speed" },
    { RK_i8,     "Google TPU v1, 2015" },
    { RK_u8,     "Google TPU v1, 2015" },
};

static const char *hardware_of(rk_dtype dtype)
{
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (first[i].dtype == dtype) return first[i].hardware;
    return NULL;
}

/* Five digits are enough to compare; JSON has them all. */
static void cell_number(struct table *t, double x) { table_cell(t, "%.5g", x); }

static void row(struct table *t, rk_dtype dtype, const rk_dtype_info *d)
{
    const char *hardware = hardware_of(dtype);
    table_cell(t, "%s", rk_dtype_name(dtype));
    table_cell(t, "%d", d->bits);
    if (d->floating) {
        table_cell(t, "%d", d->exponent);
        table_cell(t, "%d", d->mantissa);
        cell_number(t, d->largest);
        cell_number(t, d->smallest_normal);
        cell_number(t, d->smallest_subnormal);
        cell_number(t, d->epsilon);
    } else {
        for (int i = 0; i < 2; i++) table_cell(t, "%s", "");
        table_cell(t, "%s", say_count(d->largest_integer).at);
        for (int i = 0; i < 3; i++) table_cell(t, "%s", "");
    }
    table_cell(t, "%s", hardware != NULL ? hardware : "");
}

static void json_row(struct json *j, rk_dtype dtype, const rk_dtype_info *d)
{
    json_object(j, NULL);
    json_text(j, "name", rk_dtype_name(dtype));
    json_int(j, "bits", d->bits);
    json_bool(j, "floating", d->floating);
    json_bool(j, "negative", d->negative);
    json_bool(j, "infinity", d->infinity);
    json_int(j, "exponent_bits", d->exponent);
    json_int(j, "mantissa_bits", d->mantissa);
    if (d->floating) json_real(j, "largest", d->largest);
    else json_uint(j, "largest", d->largest_integer);
    json_real(j, "smallest_normal", d->smallest_normal);
    json_real(j, "smallest_subnormal", d->smallest_subnormal);
    json_real(j, "epsilon", d->epsilon);
    json_text(j, "first_matrix_hardware", hardware_of(dtype));
    json_end(j);
}

int list_dtypes(struct cli *c)
{
    struct json j;
    struct table *t = c->json ? NULL : table_new(c, "dtype|bits|exponent|mantissa|largest|least normal|least subnormal|epsilon|first matrix units", "lrrrrrrrw");
    if (c->json) list_json_begin(c, &j, "dtypes");
    for (int i = 0; i < RK_DTYPE_COUNT; i++) {
        rk_dtype_info d;
        if (!rk_dtype_describe((rk_dtype)i, &d)) cli_bug("dtype %d cannot be described", i);
        if (c->json) json_row(&j, (rk_dtype)i, &d);
        else row(t, (rk_dtype)i, &d);
    }
    if (c->json) list_json_end(&j);
    else table_print(t);
    return CLI_OK;
}
