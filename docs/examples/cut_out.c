/* weft's own model from C (C99):   cut_out_c < photograph.ppm > mask.pgm
 * Reads and writes the plainest of picture formats, so that nothing but weft is needed. */

#include <stdio.h>
#include <stdlib.h>
#include <weft/weft_c.h>

static int fail(const char* what) {
  fprintf(stderr, "error: %s\n", what);
  return EXIT_FAILURE;
}

static int run(const weft_model* model, const uint8_t* rgb, int width, int height) {
  weft_result* result = weft_run(model, rgb, width, height, (ptrdiff_t)3 * width, WEFT_MASK);
  int status = EXIT_SUCCESS;
  if (weft_result_error(result) != NULL) {
    status = fail(weft_result_error(result));
  } else {
    const size_t pixels = (size_t)width * (size_t)height;
    printf("P5\n%d %d\n255\n", width, height);
    if (fwrite(weft_result_mask(result), 1, pixels, stdout) != pixels || fflush(stdout) != 0)
      status = fail("cannot write the mask");
  }
  weft_result_free(result);
  return status;
}

int main(void) {
  int width = 0, height = 0;
  if (scanf("P6 %d %d 255", &width, &height) != 2 || getchar() == EOF || width < 1 || height < 1)
    return fail("expected a PPM picture on standard input");
  const size_t bytes = 3 * (size_t)width * (size_t)height;
  uint8_t* rgb = malloc(bytes);
  if (rgb == NULL) return fail("out of memory");
  int status = EXIT_FAILURE;
  weft_model* model = weft_open(NULL, NULL);
  if (weft_model_error(model) != NULL) {
    fail(weft_model_error(model));
  } else if (fread(rgb, 1, bytes, stdin) != bytes) {
    fail("the picture ends too early");
  } else {
    status = run(model, rgb, width, height);
  }
  weft_model_free(model);
  free(rgb);
  return status;
}
