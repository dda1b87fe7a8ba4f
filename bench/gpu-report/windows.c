/*
 * Direct3D 12, DXGI and Direct3D 11 without a GPU, as DLLs of one text: they take everything and do nothing, so that Dawn for Windows makes a device and
 * compiles shaders for it. An object is a table of methods; those that are not named here say S_OK, and nothing is ever freed.
 */
#define CINTERFACE
#define INITGUID
#include <windows.h>
#include <dxgi1_6.h>
/* The headers declare what is exported here with types of their own. */
#define D3D12CreateDevice declaredCreateDevice
#define D3D12GetDebugInterface declaredGetDebugInterface
#define D3D12SerializeRootSignature declaredSerialize
#define D3D12SerializeVersionedRootSignature declaredSerializeVersioned
#define D3D12CreateRootSignatureDeserializer declaredDeserializer
#define D3D12CreateVersionedRootSignatureDeserializer declaredVersionedDeserializer
#include <d3d12.h>
#undef D3D12CreateDevice
#undef D3D12GetDebugInterface
#undef D3D12SerializeRootSignature
#undef D3D12SerializeVersionedRootSignature
#undef D3D12CreateRootSignatureDeserializer
#undef D3D12CreateVersionedRootSignatureDeserializer
#include <stdlib.h>

#define METHODS 160 /* more than any interface has */
#define GIB ((UINT64)1 << 30)
#define CALL STDMETHODCALLTYPE

typedef HRESULT(CALL *Method)();

typedef struct {
  const Method *methods;
  LONG references;
  UINT64 value;             /* of a fence */
  D3D12_RESOURCE_DESC desc; /* of a resource */
  void *memory;             /* of one that was mapped */
} Object;

static Method plain[METHODS], factory[METHODS], adapter[METHODS], device[METHODS], queue[METHODS], fence[METHODS], resource[METHODS],
    descriptors[METHODS], pipeline[METHODS], blob[METHODS];

static Object *make(const Method *methods) {
  Object *one = calloc(1, sizeof *one);
  one->methods = methods;
  one->references = 1;
  return one;
}

static HRESULT give(const Method *methods, void **out) {
  *out = make(methods);
  return S_OK;
}

/* What every object has. Dawn takes what has an interface of debuggers for a debugger, so that only these are had. */
static const GUID *const KNOWN[] = {&IID_IUnknown,     &IID_IDXGIFactory4, &IID_IDXGIFactory6, &IID_IDXGIAdapter,
                                    &IID_IDXGIAdapter1, &IID_IDXGIAdapter3, &IID_ID3D12Device};

static HRESULT CALL query(Object *self, REFIID interface_, void **out) {
  for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
    if (IsEqualGUID(interface_, KNOWN[i])) {
      self->references++;
      *out = self;
      return S_OK;
    }
  *out = NULL;
  return E_NOINTERFACE;
}
static ULONG CALL addRef(Object *self) { return InterlockedIncrement(&self->references); }
static ULONG CALL release(Object *self) { return InterlockedDecrement(&self->references); }
static HRESULT CALL yes(Object *self) { return S_OK; }

/* DXGI: one adapter */
static HRESULT CALL enumerate(Object *self, UINT index, void **out) {
  static Object *only;
  if (index > 0) return DXGI_ERROR_NOT_FOUND;
  if (!only) only = make(adapter);
  only->references++;
  *out = only;
  return S_OK;
}
static HRESULT CALL enumerateByPreference(Object *self, UINT index, int preference, REFIID interface_, void **out) {
  return enumerate(self, index, out);
}
static HRESULT CALL describe(Object *self, DXGI_ADAPTER_DESC *desc) {
  *desc = (DXGI_ADAPTER_DESC){.Description = L"no GPU", .VendorId = 0x10de, .DedicatedVideoMemory = 8 * GIB, .SharedSystemMemory = 8 * GIB};
  return S_OK;
}
static HRESULT CALL describe1(Object *self, DXGI_ADAPTER_DESC1 *desc) {
  desc->Flags = 0;
  return describe(self, (DXGI_ADAPTER_DESC *)desc);
}
static HRESULT CALL memory(Object *self, UINT node, int group, DXGI_QUERY_VIDEO_MEMORY_INFO *info) {
  *info = (DXGI_QUERY_VIDEO_MEMORY_INFO){.Budget = 8 * GIB, .AvailableForReservation = 4 * GIB};
  return S_OK;
}

/* Direct3D: shader model 6.6 with float16 and subgroups of 32, which GPUs of ten years have */
static HRESULT CALL supports(Object *self, int feature, UINT *data, UINT size) {
  enum { OPTIONS1 = 8, OPTIONS4 = 23 }; /* of which the header knows little */
  switch (feature) {
    case D3D12_FEATURE_D3D12_OPTIONS: {
      D3D12_FEATURE_DATA_D3D12_OPTIONS *options = (void *)data;
      memset(options, 0, size);
      options->ResourceBindingTier = D3D12_RESOURCE_BINDING_TIER_3;
      options->ResourceHeapTier = D3D12_RESOURCE_HEAP_TIER_2;
      return S_OK;
    }
    case D3D12_FEATURE_ARCHITECTURE:
      memset(data + 1, 0, size - sizeof *data); /* behind the node's number */
      return S_OK;
    case D3D12_FEATURE_FEATURE_LEVELS:
      ((D3D12_FEATURE_DATA_FEATURE_LEVELS *)data)->MaxSupportedFeatureLevel = D3D_FEATURE_LEVEL_11_1;
      return S_OK;
    case D3D12_FEATURE_SHADER_MODEL:
      if (data[0] > 0x66) data[0] = 0x66;
      return S_OK;
    case D3D12_FEATURE_ROOT_SIGNATURE:
      return S_OK;
    case D3D12_FEATURE_FORMAT_SUPPORT:
      data[1] = data[2] = ~0u;
      return S_OK;
    case OPTIONS1:
      memset(data, 0, size);
      data[0] = TRUE; /* wave operations */
      data[1] = data[2] = 32;
      return S_OK;
    case OPTIONS4:
      memset(data, 0, size);
      data[2] = TRUE; /* operations on 16 bits */
      return S_OK;
  }
  return E_INVALIDARG;
}
static HRESULT CALL createQueue(Object *self, void *desc, REFIID interface_, void **out) { return give(queue, out); }
static HRESULT CALL createAllocator(Object *self, int type, REFIID interface_, void **out) { return give(plain, out); }
static HRESULT CALL createList(Object *self, UINT node, int type, void *allocator, void *state, REFIID interface_, void **out) {
  return give(plain, out);
}
static HRESULT CALL createPipeline(Object *self, void *desc, REFIID interface_, void **out) { return give(pipeline, out); }
static HRESULT CALL createDescriptors(Object *self, void *desc, REFIID interface_, void **out) { return give(descriptors, out); }
static UINT CALL descriptorBytes(Object *self, int type) { return 32; }
static HRESULT CALL createRoot(Object *self, UINT node, void *bytes, SIZE_T length, REFIID interface_, void **out) { return give(plain, out); }
static void *CALL allocationOf(Object *self, D3D12_RESOURCE_ALLOCATION_INFO *info, UINT node, UINT count, const D3D12_RESOURCE_DESC *desc) {
  info->SizeInBytes = (desc->Width + 65535) / 65536 * 65536;
  info->Alignment = 65536;
  return info;
}
static HRESULT createResource(const D3D12_RESOURCE_DESC *desc, void **out) {
  Object *one = make(resource);
  one->desc = *desc;
  *out = one;
  return S_OK;
}
static HRESULT CALL createCommitted(Object *self, void *heap, int flags, D3D12_RESOURCE_DESC *desc, int state, void *clear, REFIID i, void **out) {
  return createResource(desc, out);
}
static HRESULT CALL createPlaced(Object *self, void *heap, UINT64 at, D3D12_RESOURCE_DESC *desc, int state, void *clear, REFIID i, void **out) {
  return createResource(desc, out);
}
static HRESULT CALL createPlain(Object *self, void *desc, REFIID interface_, void **out) { return give(plain, out); }
static HRESULT CALL createSignature(Object *self, void *desc, void *root, REFIID interface_, void **out) { return give(plain, out); }
static HRESULT CALL createFence(Object *self, UINT64 value, int flags, REFIID interface_, void **out) {
  Object *one = make(fence);
  one->value = value;
  *out = one;
  return S_OK;
}
static HRESULT CALL createHandle(Object *self, void *object, void *attributes, DWORD access, LPCWSTR name, HANDLE *out) {
  *out = CreateEventW(NULL, TRUE, FALSE, NULL);
  return S_OK;
}

/* What a device makes: the GPU is done at once */
static HRESULT CALL signal_(Object *self, Object *of, UINT64 value) {
  of->value = value;
  return S_OK;
}
static HRESULT CALL frequency(Object *self, UINT64 *hertz) {
  *hertz = 1000000000;
  return S_OK;
}
static UINT64 CALL completed(Object *self) { return self->value; }
static HRESULT CALL onCompletion(Object *self, UINT64 value, HANDLE event) {
  if (event) SetEvent(event);
  return S_OK;
}
static HRESULT CALL map(Object *self, UINT part, void *range, void **out) {
  if (!self->memory) self->memory = calloc(1, self->desc.Width);
  if (out) *out = self->memory;
  return S_OK;
}
static void *CALL descOf(Object *self, D3D12_RESOURCE_DESC *desc) {
  *desc = self->desc;
  return desc;
}
static UINT64 CALL addressOf(Object *self) { return 4 * GIB; }
static void *CALL firstDescriptor(Object *self, UINT64 *handle) {
  *handle = 65536;
  return handle;
}
static HRESULT CALL cachedBlob(Object *self, void **out) { return give(blob, out); }
static char bytes[16];
static void *CALL pointer(Object *self) { return bytes; }
static SIZE_T CALL length(Object *self) { return sizeof bytes; }

#define SET(table, Interface, name, function) table[offsetof(Interface##Vtbl, name) / sizeof(Method)] = (Method)function

static void prepare(void) {
  Method *tables[] = {plain, factory, adapter, device, queue, fence, resource, descriptors, pipeline, blob};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    for (int j = 0; j < METHODS; j++) tables[i][j] = (Method)yes;
    SET(tables[i], IUnknown, QueryInterface, query);
    SET(tables[i], IUnknown, AddRef, addRef);
    SET(tables[i], IUnknown, Release, release);
  }
  SET(factory, IDXGIFactory6, EnumAdapters1, enumerate);
  SET(factory, IDXGIFactory6, EnumAdapterByGpuPreference, enumerateByPreference);
  SET(adapter, IDXGIAdapter3, GetDesc, describe);
  SET(adapter, IDXGIAdapter3, GetDesc1, describe1);
  SET(adapter, IDXGIAdapter3, QueryVideoMemoryInfo, memory);
  SET(device, ID3D12Device, CheckFeatureSupport, supports);
  SET(device, ID3D12Device, CreateCommandQueue, createQueue);
  SET(device, ID3D12Device, CreateCommandAllocator, createAllocator);
  SET(device, ID3D12Device, CreateCommandList, createList);
  SET(device, ID3D12Device, CreateComputePipelineState, createPipeline);
  SET(device, ID3D12Device, CreateDescriptorHeap, createDescriptors);
  SET(device, ID3D12Device, GetDescriptorHandleIncrementSize, descriptorBytes);
  SET(device, ID3D12Device, CreateRootSignature, createRoot);
  SET(device, ID3D12Device, GetResourceAllocationInfo, allocationOf);
  SET(device, ID3D12Device, CreateCommittedResource, createCommitted);
  SET(device, ID3D12Device, CreatePlacedResource, createPlaced);
  SET(device, ID3D12Device, CreateHeap, createPlain);
  SET(device, ID3D12Device, CreateQueryHeap, createPlain);
  SET(device, ID3D12Device, CreateCommandSignature, createSignature);
  SET(device, ID3D12Device, CreateFence, createFence);
  SET(device, ID3D12Device, CreateSharedHandle, createHandle);
  SET(queue, ID3D12CommandQueue, Signal, signal_);
  SET(queue, ID3D12CommandQueue, GetTimestampFrequency, frequency);
  SET(fence, ID3D12Fence, GetCompletedValue, completed);
  SET(fence, ID3D12Fence, SetEventOnCompletion, onCompletion);
  SET(resource, ID3D12Resource, Map, map);
  SET(resource, ID3D12Resource, GetDesc, descOf);
  SET(resource, ID3D12Resource, GetGPUVirtualAddress, addressOf);
  SET(descriptors, ID3D12DescriptorHeap, GetCPUDescriptorHandleForHeapStart, firstDescriptor);
  SET(descriptors, ID3D12DescriptorHeap, GetGPUDescriptorHandleForHeapStart, firstDescriptor);
  SET(pipeline, ID3D12PipelineState, GetCachedBlob, cachedBlob);
  SET(blob, ID3D10Blob, GetBufferPointer, pointer);
  SET(blob, ID3D10Blob, GetBufferSize, length);
}

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, void *reserved) {
  if (reason == DLL_PROCESS_ATTACH) prepare();
  return TRUE;
}

#define EXPORT __declspec(dllexport) HRESULT WINAPI
EXPORT CreateDXGIFactory2(UINT flags, REFIID interface_, void **out) { return give(factory, out); }
EXPORT DXGIGetDebugInterface1(UINT flags, REFIID interface_, void **out) { return E_NOINTERFACE; }
EXPORT D3D12CreateDevice(void *of, int level, REFIID interface_, void **out) { return give(device, out); }
EXPORT D3D12GetDebugInterface(REFIID interface_, void **out) { return E_NOINTERFACE; }
EXPORT D3D12SerializeRootSignature(void *desc, int version, void **out, void **error) { return give(blob, out); }
EXPORT D3D12SerializeVersionedRootSignature(void *desc, void **out, void **error) { return give(blob, out); }
EXPORT D3D12CreateRootSignatureDeserializer(void *from, SIZE_T length, REFIID interface_, void **out) { return E_NOTIMPL; }
EXPORT D3D12CreateVersionedRootSignatureDeserializer(void *from, SIZE_T length, REFIID interface_, void **out) { return E_NOTIMPL; }
EXPORT D3D11On12CreateDevice(void) { return E_NOTIMPL; }
