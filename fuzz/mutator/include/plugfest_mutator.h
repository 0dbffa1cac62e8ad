/* The OCPP-aware mutator of Plugfest, for fuzzers of OCPP stacks in C, C++ and whatever can call C.
 *
 * An input is one OCPP-J message, or several, one a line. Frames are edited as frames, JSON as JSON, everything else as
 * bytes; new messages come from the catalogues of 1.6, 2.0.1 and 2.1. The same seed gives the same result. The
 * functions never fail, keep no state but what plugfest_speak() sets, and may be called from several threads.
 *
 * Link with libplugfest_mutator.a (and -lpthread -ldl -lm), or with libplugfest_mutator.so.
 */
#ifndef PLUGFEST_MUTATOR_H
#define PLUGFEST_MUTATOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which messages are made from now on.
 * version: 16, 201, 21; 0 for any of them (that is how it begins).
 * sender:  1 for the requests of stations, 2 for those of a CSMS; 0 for both. A parser in a station hears a CSMS. */
void plugfest_speak(unsigned int version, unsigned int sender);

/* Changes the input of `size` bytes in place and returns its new size, at most `max_size`.
 * `data` must have room for the greater of the two. */
size_t plugfest_mutate(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* Writes an input made of pieces of two to `out` and returns its size, at most `max_size`. */
size_t plugfest_cross_over(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
                           size_t max_size, unsigned int seed);

/* The same under the names that libFuzzer and AFL++ look for; linking the library is enough. Build it with
 * `--no-default-features` to define them yourself, for example to call LLVMFuzzerMutate() every other time. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
                                 size_t max_size, unsigned int seed);

#ifdef __cplusplus
}
#endif

#endif
