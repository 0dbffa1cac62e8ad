/* Runs a libFuzzer target without libFuzzer: for compilers that have none. There is no coverage to be guided by; the
 * mutator knows OCPP, which carries far enough to be worth a night.
 *
 *   driver [-seconds N] [-seed N] [FILE…]      FILEs are seeds; an input that kills is left in crash-input */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plugfest_mutator.h"

int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LONGEST = 4096, POOL = 256 };

static uint8_t input[LONGEST];
static volatile size_t input_size;

static struct {
    uint8_t *data;
    size_t size;
} pool[POOL];
static size_t pooled;

static void keep(const uint8_t *data, size_t size, size_t at)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        return;
    memcpy(copy, data, size);
    free(pool[at].data);
    pool[at].data = copy;
    pool[at].size = size;
}

static void died(int number)
{
    int file = open("crash-input", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file >= 0 && write(file, input, input_size) >= 0)
        close(file);
    signal(number, SIG_DFL);
    raise(number);
}

int main(int argc, char **argv)
{
    static const char boot[] = "[2,\"1\",\"BootNotification\",{\"chargePointVendor\":\"V\",\"chargePointModel\":\"M\"}]";
    static const int deaths[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
    unsigned long seconds = 5, seed = 1, runs = 0;
    for (size_t at = 0; at < sizeof deaths / sizeof *deaths; at++)
        signal(deaths[at], died);
    if (LLVMFuzzerInitialize != NULL)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int at = 1; at < argc; at++) {
        if (strcmp(argv[at], "-seconds") == 0 && at + 1 < argc) {
            seconds = strtoul(argv[++at], NULL, 10);
        } else if (strcmp(argv[at], "-seed") == 0 && at + 1 < argc) {
            seed = strtoul(argv[++at], NULL, 10);
        } else {
            FILE *file = fopen(argv[at], "rb");
            if (file != NULL && pooled < POOL) {
                keep(input, fread(input, 1, LONGEST, file), pooled);
                pooled++;
            }
            if (file != NULL)
                fclose(file);
        }
    }
    if (pooled == 0)
        keep((const uint8_t *)boot, sizeof boot - 1, pooled++);
    time_t end = time(NULL) + (time_t)seconds;
    while (runs % 1024 != 0 || time(NULL) < end) {
        unsigned number = (unsigned)(seed * 2654435761u + runs);
        size_t at = number % pooled;
        if (runs % 8 == 7) {
            size_t other = (number / 7) % pooled;
            input_size = plugfest_cross_over(pool[at].data, pool[at].size, pool[other].data, pool[other].size, input,
                                             LONGEST, number);
        } else {
            memcpy(input, pool[at].data, pool[at].size);
            input_size = plugfest_mutate(input, pool[at].size, LONGEST, number);
        }
        LLVMFuzzerTestOneInput(input, input_size);
        /* Mutants of mutants: some take a place in the pool; the first one stays. */
        if (runs % 64 == 63)
            keep(input, input_size, pooled < POOL ? pooled++ : 1 + number % (POOL - 1));
        runs++;
    }
    printf("%lu inputs in %lu s, none of them killed\n", runs, seconds);
    for (size_t at = 0; at < pooled; at++)
        free(pool[at].data);
    return 0;
}
