// Elementary functions of several numbers at a time, where the C library has them: GNU's on x86, to four units in the last
// place. To be included before the loops that use them. Those must be as long as a vector's multiple: a rest would be computed
// by other functions.
#pragma once
#include <cmath>

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#if __GLIBC_PREREQ(2, 35)
extern "C" {
#define SCIML_SEVERAL __attribute__((simd("notinbranch")))
SCIML_SEVERAL double sin(double) noexcept(true);
SCIML_SEVERAL double cos(double) noexcept(true);
SCIML_SEVERAL double tan(double) noexcept(true);
SCIML_SEVERAL double sinh(double) noexcept(true);
SCIML_SEVERAL double cosh(double) noexcept(true);
SCIML_SEVERAL double tanh(double) noexcept(true);
SCIML_SEVERAL double exp(double) noexcept(true);
SCIML_SEVERAL double log(double) noexcept(true);
#undef SCIML_SEVERAL
}
#endif
#endif
