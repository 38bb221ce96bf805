# weft in a container: the same scripts that the README runs on a plain machine.
#
#   docker build -t weft .
#   docker run --rm -v "$PWD/photos:/photos" weft infer_unet /photos --out /photos/masks
FROM debian:12-slim AS build
WORKDIR /weft
COPY tools/packages.txt tools/install_packages.sh tools/
RUN tools/install_packages.sh
COPY . .
RUN cmake -S . -B build -G Ninja -DWEFT_BUILD_TESTS=OFF && cmake --build build && cmake --install build --prefix /usr/local --component runtime

FROM debian:12-slim
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends libfmt9 libheif1 libjpeg62-turbo liblcms2-2 libpng16-16 libstdc++6 \
      libwebp7 libwebpdemux2 libwebpmux3 zlib1g \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local /usr/local
WORKDIR /data
CMD ["infer_unet", "--help"]
