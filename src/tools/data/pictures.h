#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "codec/bytes.h"
#include "codec/wav.h"
#include "tensor/type.h"
#include "tools/data/options.h"

namespace anyrt {

// Decodes a picture and takes it through the steps to the element type, axes and channels of `type`. An input of one
// axis of uint8 gets the file's bytes: the model decodes them itself.
Expected<Tensor> picture_input(Bytes file, const ImageSteps& steps, const Type& type);

// float32 [channels, samples] brought to the rank that the type has: [samples] of one channel, [1, channels, samples].
Expected<Tensor> sound_input(const Audio& audio, const AudioSteps& steps, const Type& type);

}  // namespace anyrt
