/*
 * spvstat FILE.spv BINDINGS: compiles a compute shader (entry point dawn_entry_point) with whatever Vulkan driver the environment
 * names and prints what the driver tells of it: `driver TEXT`, `subgroup N`, one `stat NAME=VALUE` a line, then `assembly` and the
 * program's text. BINDINGS has a letter for each binding of group 0: s storage buffer, u uniform buffer, t sampled texture,
 * w storage texture, m sampler. Nothing runs on the device, so a driver on null hardware will do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#define LIMIT 64
#define CHECK(call)                                             \
  do {                                                          \
    VkResult result_ = (call);                                  \
    if (result_ != VK_SUCCESS) {                                \
      fprintf(stderr, "%s failed with %d\n", #call, result_);   \
      exit(1);                                                  \
    }                                                           \
  } while (0)
#define DEVICE_FUNCTION(device, name) ((PFN_##name)vkGetDeviceProcAddr(device, #name))

static VkPhysicalDevice first_device(void) {
  VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_3};
  VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
  VkInstance instance;
  CHECK(vkCreateInstance(&info, NULL, &instance));
  uint32_t count = 1;
  VkPhysicalDevice physical;
  VkResult result = vkEnumeratePhysicalDevices(instance, &count, &physical);
  if (result < 0 || count == 0) {
    fprintf(stderr, "no Vulkan device\n");
    exit(1);
  }
  VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
  VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &driver};
  vkGetPhysicalDeviceProperties2(physical, &properties);
  printf("driver %s, %s\n", properties.properties.deviceName, driver.driverInfo);
  return physical;
}

/* A device with every feature that the driver has. */
static VkDevice make_device(VkPhysicalDevice physical) {
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR tells = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR};
  VkPhysicalDeviceVulkan13Features v13 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES, .pNext = &tells};
  VkPhysicalDeviceVulkan12Features v12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, .pNext = &v13};
  VkPhysicalDeviceVulkan11Features v11 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, .pNext = &v12};
  VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &v11};
  vkGetPhysicalDeviceFeatures2(physical, &features);
  float priority = 1;
  VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
  const char *extension = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
  VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                             .pNext = &features,
                             .queueCreateInfoCount = 1,
                             .pQueueCreateInfos = &queue,
                             .enabledExtensionCount = 1,
                             .ppEnabledExtensionNames = &extension};
  VkDevice device;
  CHECK(vkCreateDevice(physical, &info, NULL, &device));
  return device;
}

static VkDescriptorType descriptor_type(char letter) {
  switch (letter) {
    case 's': return VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    case 'u': return VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
    case 't': return VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE;
    case 'w': return VK_DESCRIPTOR_TYPE_STORAGE_IMAGE;
    case 'm': return VK_DESCRIPTOR_TYPE_SAMPLER;
  }
  fprintf(stderr, "no kind of binding is called %c\n", letter);
  exit(1);
}

static VkPipelineLayout make_layout(VkDevice device, const char *letters) {
  VkDescriptorSetLayoutBinding bindings[LIMIT];
  uint32_t count = (uint32_t)strnlen(letters, LIMIT);
  for (uint32_t i = 0; i < count; i++)
    bindings[i] = (VkDescriptorSetLayoutBinding){
        .binding = i, .descriptorType = descriptor_type(letters[i]), .descriptorCount = 1, .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT};
  VkDescriptorSetLayoutCreateInfo set_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = count, .pBindings = bindings};
  VkDescriptorSetLayout set;
  CHECK(vkCreateDescriptorSetLayout(device, &set_info, NULL, &set));
  VkPushConstantRange immediates = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = 128};
  VkPipelineLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                     .setLayoutCount = 1,
                                     .pSetLayouts = &set,
                                     .pushConstantRangeCount = 1,
                                     .pPushConstantRanges = &immediates};
  VkPipelineLayout layout;
  CHECK(vkCreatePipelineLayout(device, &info, NULL, &layout));
  return layout;
}

static VkShaderModule read_module(VkDevice device, const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) {
    perror(path);
    exit(1);
  }
  fseek(file, 0, SEEK_END);
  size_t size = (size_t)ftell(file);
  rewind(file);
  uint32_t *code = malloc(size);
  if (fread(code, 1, size, file) != size) exit(1);
  fclose(file);
  VkShaderModuleCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = size, .pCode = code};
  VkShaderModule module;
  CHECK(vkCreateShaderModule(device, &info, NULL, &module));
  return module;
}

static VkPipeline make_pipeline(VkDevice device, const char *path, const char *letters) {
  VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .flags = VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR | VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = read_module(device, path),
                .pName = "dawn_entry_point"},
      .layout = make_layout(device, letters)};
  VkPipeline pipeline;
  CHECK(vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline));
  return pipeline;
}

static void print_statistics(VkDevice device, const VkPipelineExecutableInfoKHR *executable) {
  VkPipelineExecutableStatisticKHR statistics[LIMIT];
  for (int i = 0; i < LIMIT; i++)
    statistics[i] = (VkPipelineExecutableStatisticKHR){.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR};
  uint32_t count = LIMIT;
  CHECK(DEVICE_FUNCTION(device, vkGetPipelineExecutableStatisticsKHR)(device, executable, &count, statistics));
  for (uint32_t i = 0; i < count; i++)
    if (statistics[i].format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR)
      printf("stat %s=%llu\n", statistics[i].name, (unsigned long long)statistics[i].value.u64);
}

static void print_assembly(VkDevice device, const VkPipelineExecutableInfoKHR *executable) {
  PFN_vkGetPipelineExecutableInternalRepresentationsKHR get =
      DEVICE_FUNCTION(device, vkGetPipelineExecutableInternalRepresentationsKHR);
  VkPipelineExecutableInternalRepresentationKHR texts[LIMIT];
  for (int i = 0; i < LIMIT; i++)
    texts[i] = (VkPipelineExecutableInternalRepresentationKHR){
        .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR};
  uint32_t count = LIMIT;
  CHECK(get(device, executable, &count, texts)); /* sizes first, then the texts */
  for (uint32_t i = 0; i < count; i++) texts[i].pData = malloc(texts[i].dataSize);
  CHECK(get(device, executable, &count, texts));
  for (uint32_t i = 0; i < count; i++)
    if (strstr(texts[i].name, "Assembly")) printf("assembly\n%s\n", (const char *)texts[i].pData);
}

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: spvstat FILE.spv BINDINGS\n");
    return 2;
  }
  VkDevice device = make_device(first_device());
  VkPipeline pipeline = make_pipeline(device, arguments[1], arguments[2]);
  VkPipelineInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline};
  VkPipelineExecutablePropertiesKHR properties = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR};
  uint32_t executables = 1;
  VkResult result = DEVICE_FUNCTION(device, vkGetPipelineExecutablePropertiesKHR)(device, &info, &executables, &properties);
  if (result < 0 || executables == 0) {
    fprintf(stderr, "the driver tells nothing of its programs\n");
    return 1;
  }
  printf("subgroup %u\n", properties.subgroupSize);
  VkPipelineExecutableInfoKHR executable = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, .pipeline = pipeline};
  print_statistics(device, &executable);
  print_assembly(device, &executable);
  return 0;
}
