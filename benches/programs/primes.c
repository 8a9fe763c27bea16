// A sieve of Eratosthenes over odd numbers: bytes, loops and integer arithmetic.
//
//   primes [LIMIT]        primes below LIMIT (default 5000000, at most 1000000000)
//
// Prints how many there are, the largest, and a checksum over all of them in order.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    char *end = "";
    unsigned long limit = argc > 1 ? strtoul(argv[1], &end, 10) : 5000000;
    if (argc > 2 || *end || limit < 3 || limit > 1000000000) {
        fprintf(stderr, "usage: primes [LIMIT]   (3 to 1000000000)\n");
        return 2;
    }
    // composite[i] speaks for the odd number 2 * i + 1.
    uint32_t half = (uint32_t)limit / 2;
    uint8_t *composite = calloc(half, 1);
    if (!composite) {
        fprintf(stderr, "primes: out of memory\n");
        return 1;
    }
    for (uint32_t i = 1; 2 * (uint64_t)i * (i + 1) < half; i++)
        if (!composite[i])
            for (uint32_t j = 2 * i * (i + 1); j < half; j += 2 * i + 1)
                composite[j] = 1;

    uint32_t count = 1, largest = 2;
    uint64_t checksum = 2;
    for (uint32_t i = 1; i < half; i++)
        if (!composite[i]) {
            count++;
            largest = 2 * i + 1;
            checksum = (checksum << 7 | checksum >> 57) ^ largest * UINT64_C(0x9e3779b97f4a7c15);
        }
    printf("%u primes below %lu, the largest %u, checksum %016llx\n", count, limit, largest, (unsigned long long)checksum);
    return 0;
}
