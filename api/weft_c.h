/* weft from C, and from every language that can call C: photographs into masks.
 *
 *   weft_model* model = weft_open(NULL, NULL);           the model that comes with weft
 *   if (weft_model_error(model)) ...                     one line that says why not
 *   weft_result* result = weft_run(model, rgb, width, height, 3 * width, WEFT_MASK);
 *   if (weft_result_error(result)) ...
 *   const uint8_t* mask = weft_result_mask(result);      height x width bytes: 0 or 255
 *   weft_result_free(result);
 *   weft_model_free(model);
 *
 * Every handle carries its own error text, so that threads don't read each other's. A handle is NULL only where memory
 * is out; every function takes NULL for a handle and does nothing, or answers as for an error. Threads may run one model
 * at once; a result belongs to one thread at a time. Nothing throws through this interface, and nothing is printed.
 *
 * docs/api.md says what may change between versions. */
#ifndef WEFT_C_H
#define WEFT_C_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_model weft_model;
typedef struct weft_result weft_result;

/* How a model is to be run. Filled with zeros (`weft_options options = {0};`) it asks for the model's own settings;
 * members that a later version adds are zero then, too. */
typedef struct weft_options {
  size_t struct_size;   /* sizeof(weft_options), or 0 for the first version of this struct */
  double threshold;     /* the probability from which a pixel is clothing, in (0, 1]; 0: the model's */
  int32_t height;       /* of the network's input, with width: multiples of 32; 0: the model's */
  int32_t width;
  int32_t mirror;       /* not 0: also runs on the mirrored picture and takes the mean */
} weft_options;

/* What weft_run is to make; joined by |. */
enum {
  WEFT_MASK = 1,        /* weft_result_mask */
  WEFT_PROBABILITY = 2, /* weft_result_probability */
  WEFT_CUTOUT = 4,      /* weft_result_cutout */
  WEFT_CLASSES = 8      /* weft_result_classes */
};

/* "0.1.0" */
const char* weft_version(void);

/* Threads that a run uses, for the whole process; at start: OMP_NUM_THREADS, else the cores that the process may use.
 * Not while a model runs. Returns 0, or -1 for a number outside 1 to 1024, and then changes nothing. */
int weft_set_threads(int count);
int weft_threads(void);

/* Opens a model file; path NULL: the model that comes with weft. options NULL: the model's own settings. The result is
 * to be freed also where it holds an error. */
weft_model* weft_open(const char* path, const weft_options* options);
void weft_model_free(weft_model* model);
/* NULL where all is well, else one line, valid as long as the handle. */
const char* weft_model_error(const weft_model* model);

/* Runs the model on an RGB picture of 8 bits a sample: row y begins at rgb + y * stride, stride >= 3 * width bytes.
 * `outputs` is a sum of WEFT_MASK and the like. The picture is copied. The result is to be freed also where it holds
 * an error. */
weft_result* weft_run(const weft_model* model, const uint8_t* rgb, int32_t width, int32_t height, ptrdiff_t stride,
                      unsigned outputs);
void weft_result_free(weft_result* result);
/* NULL where all is well, else one line, valid as long as the handle. */
const char* weft_result_error(const weft_result* result);

/* The picture's own size. */
int32_t weft_result_width(const weft_result* result);
int32_t weft_result_height(const weft_result* result);

/* Without gaps between rows, valid as long as the handle; NULL where the run was not asked for it. */
const uint8_t* weft_result_mask(const weft_result* result);       /* [height][width]: 0, or 255 for clothing */
const float* weft_result_probability(const weft_result* result);  /* [height][width]: 0 to 1 */
const uint8_t* weft_result_cutout(const weft_result* result);     /* [height][width][4]: RGBA, not premultiplied */
const uint8_t* weft_result_classes(const weft_result* result);    /* [height][width]: 0 background, 1 clothing */

#ifdef __cplusplus
}
#endif

#endif
