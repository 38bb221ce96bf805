#pragma once
// All of weft that programs of others may use: docs/api.md is the tour. What is not reached from here may change at any
// time; what is changes as docs/api.md, "Versions", says.
//
// Functions throw weft::Error (core/check.h) where they can't do what they were asked. Images are [N, H, W, C], float32.
// Threads: different tensors, modules and plans may be used by different threads at once; one of them by several as
// long as none writes it. Inference plans, Predictor and Cutter may be run by several at once.

#include "core/autograd.h"          // backward, NoGrad; operations of one's own: record
#include "core/check.h"             // Error
#include "core/graph.h"             // capture
#include "core/operation.h"         // operations of one's own: apply
#include "core/ops.h"               // conv2d, relu, add, bce_with_logits, ...
#include "core/parallel.h"          // set_num_threads, parallel_for
#include "core/plan/plan.h"         // Plan::inference, Plan::training; rules of one's own
#include "core/profile.h"           // where the time goes
#include "core/random.h"            // streams of random numbers
#include "core/tensor.h"            // Tensor, Shape
#include "data/image_io.h"          // load_image, save_png
#include "data/render.h"            // overlays, cut-outs
#include "models/cutter.h"          // Cutter: photographs into masks
#include "models/default_model.h"   // the model that comes with weft
#include "models/encoder_weights.h" // ImageNet weights
#include "models/model_file.h"      // load_model, save_model, save_safetensors, load_safetensors
#include "models/onnx_export.h"     // export_onnx
#include "models/predict.h"         // the steps of a Cutter, one by one
#include "models/registry.h"        // encoders by name
#include "models/unet.h"            // UNet, DecoderBlock
#include "nn/init.h"                // initialise
#include "nn/layers.h"              // Conv2d, BatchNorm2d, ...
#include "train/adam.h"             // Adam, AdamW
#include "train/schedule.h"         // learning rates over time
#include "train/sgd.h"              // SGD with momentum

namespace weft {

/// "0.1.0": of the library that runs, which may be newer than these headers.
const char* version();

}  // namespace weft
