#ifndef ANYRT_ANYRT_HPP_
#define ANYRT_ANYRT_HPP_

// The C++17 interface of anyrt: classes over the C interface of anyrt.h that own what they hold. Failures are thrown as
// anyrt::Error. Of the standard library only what is light is included: texts and arrays are taken from any type that
// has c_str(), or data() and size(), and convert to any type that is made of two iterators.

#include "anyrt/error.hpp"
#include "anyrt/session.hpp"
#include "anyrt/value.hpp"

#endif  // ANYRT_ANYRT_HPP_
