// The picture that mandelbrot and mandelbrot_simd agree on.
#include "common.h"

enum { LIMIT = 256 };

static const f64 LEFT = -2.125, TOP = -1.375, EXTENT = 2.75;
