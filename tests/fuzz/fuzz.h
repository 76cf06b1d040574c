/* fuzz.h: what a fuzz target is: one function that takes any bytes, and neither crashes, hangs nor leaks.
 *
 * tests/fuzz/fuzz_NAME.c defines fuzz_one; inputs worth keeping lie in tests/fuzz/seeds/NAME/, one per file. The same
 * target runs on libFuzzer (`make fuzz`) and, as a test everywhere, on the small mutator of driver.c. */
#ifndef FUZZ_H
#define FUZZ_H
#include <stddef.h>
#include <stdint.h>

int fuzz_one(const uint8_t *data, size_t size);         /* returns 0 */

#endif
