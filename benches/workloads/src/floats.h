// What the floating-point workloads share beyond common.h.
#include "common.h"

// Folds the bits of `value`, which must not be a NaN: wasm leaves a NaN's sign and payload open.
static inline u64 fold_f64(u64 sum, f64 value) {
    union {
        f64 value;
        u64 bits;
    } as = {value};
    return fold(sum, as.bits);
}
