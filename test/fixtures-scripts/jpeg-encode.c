/*
 * Writes a JPEG file of what Pillow cannot be asked for: any sampling, colours and scans.
 *   jpeg-encode SAMPLING COLOURS SCANS RESTART QUALITY WIDTH HEIGHT < samples > file      (gcc jpeg-encode.c -ljpeg)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jpeglib.h>

int main(int count, char **argument) {
  const char *sampling = argument[1], *colours = argument[2], *scans = argument[3]; /* "22,11,11", "ycc", "apart" */
  if (count != 8) return 2;
  struct jpeg_compress_struct info;
  struct jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  jpeg_stdio_dest(&info, stdout);
  info.restart_interval = 0;
  info.image_width = atoi(argument[6]);
  info.image_height = atoi(argument[7]);
  const int inks = !strcmp(colours, "cmyk") || !strcmp(colours, "ycck");
  info.input_components = !strcmp(colours, "grey") ? 1 : inks ? 4 : 3;
  info.in_color_space = info.input_components == 1 ? JCS_GRAYSCALE : inks ? JCS_CMYK : JCS_RGB;
  jpeg_set_defaults(&info);
  if (!strcmp(colours, "rgb")) jpeg_set_colorspace(&info, JCS_RGB);
  if (!strcmp(colours, "ycck")) jpeg_set_colorspace(&info, JCS_YCCK);
  jpeg_set_quality(&info, atoi(argument[5]), FALSE);
  info.restart_interval = atoi(argument[4]);
  info.optimize_coding = TRUE;
  jpeg_scan_info apart[4];
  for (int i = 0; i < info.input_components; i++) {
    info.comp_info[i].h_samp_factor = sampling[3 * i] - '0';
    info.comp_info[i].v_samp_factor = sampling[3 * i + 1] - '0';
    apart[i] = (jpeg_scan_info){.comps_in_scan = 1, .component_index = {i}, .Se = 63};
  }
  if (!strcmp(scans, "progressive")) jpeg_simple_progression(&info);
  if (!strcmp(scans, "apart")) {
    info.scan_info = apart;
    info.num_scans = info.input_components;
  }
  jpeg_start_compress(&info, TRUE);
  unsigned char *row = malloc(info.image_width * info.input_components);
  while (info.next_scanline < info.image_height) {
    if (!fread(row, info.image_width * info.input_components, 1, stdin)) return 1;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  return 0;
}
