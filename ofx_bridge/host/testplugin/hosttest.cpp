// SPDX-License-Identifier: Apache-2.0
// com.sparkvsr.HostTest: inverts Source at time + shift, enlarged `scale` times. The environment variable
// SPARKVSR_HOSTTEST names at most one misbehaviour; the tests prove that the host catches it.
#include <ofxImageEffect.h>
#include <ofxMemory.h>
#include <ofxMessage.h>
#include <ofxMultiThread.h>
#include <ofxProgress.h>
#include <ofxTimeLine.h>

#include <algorithm>
#include <cfenv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

OfxHost* theHost = nullptr;
bool hostOffered = false;
const OfxPropertySuiteV1* props = nullptr;
const OfxImageEffectSuiteV1* effects = nullptr;
const OfxParameterSuiteV1* params = nullptr;
const OfxMessageSuiteV2* messages = nullptr;
const OfxMemorySuiteV1* memory = nullptr;
const OfxMultiThreadSuiteV1* threads = nullptr;
const OfxProgressSuiteV2* progress = nullptr;
const OfxTimeLineSuiteV1* timeline = nullptr;

bool misbehaves(const char* how) {
  const char* wanted = std::getenv("SPARKVSR_HOSTTEST");
  return wanted != nullptr && std::strcmp(wanted, how) == 0;
}

template <typename Suite>
const Suite* fetch(const char* name, int version) {
  return static_cast<const Suite*>(theHost->fetchSuite(theHost->host, name, version));
}

// ---- describe

OfxStatus load() {
  props = fetch<OfxPropertySuiteV1>(kOfxPropertySuite, 1);
  effects = fetch<OfxImageEffectSuiteV1>(kOfxImageEffectSuite, 1);
  params = fetch<OfxParameterSuiteV1>(kOfxParameterSuite, 1);
  messages = fetch<OfxMessageSuiteV2>(kOfxMessageSuite, 2);
  memory = fetch<OfxMemorySuiteV1>(kOfxMemorySuite, 1);
  threads = fetch<OfxMultiThreadSuiteV1>(kOfxMultiThreadSuite, 1);
  progress = fetch<OfxProgressSuiteV2>(kOfxProgressSuite, 2);
  timeline = fetch<OfxTimeLineSuiteV1>(kOfxTimeLineSuite, 1);
  const bool enough = props != nullptr && effects != nullptr && params != nullptr;
  return enough ? kOfxStatOK : kOfxStatErrMissingHostFeature;
}

OfxPropertySetHandle propertiesOf(OfxImageEffectHandle effect) {
  OfxPropertySetHandle handle = nullptr;
  effects->getPropertySet(effect, &handle);
  return handle;
}

void describeBadly(OfxPropertySetHandle set) {
  if (misbehaves("wrong property")) props->propSetInt(set, "OfxImageEffectPropSupportsTile", 0, 0);
  if (misbehaves("wrong type")) props->propSetString(set, kOfxImageEffectPropSupportsTiles, 0, "0");
  if (misbehaves("read only property")) props->propSetString(set, kOfxPluginPropFilePath, 0, "/");
  if (misbehaves("bad index")) props->propSetInt(set, kOfxImageEffectPropSupportsTiles, 3, 0);
  if (misbehaves("null string")) props->propSetString(set, kOfxPropLabel, 0, nullptr);
}

OfxStatus describe(OfxImageEffectHandle effect) {
  if (misbehaves("throw in describe")) throw std::runtime_error("thrown by the plugin");
  const OfxPropertySetHandle set = propertiesOf(effect);
  props->propSetString(set, kOfxPropLabel, 0, "HostTest");
  props->propSetString(set, kOfxImageEffectPluginPropGrouping, 0, "SparkVSR/Test");
  props->propSetString(set, kOfxImageEffectPropSupportedContexts, 0, kOfxImageEffectContextFilter);
  props->propSetString(set, kOfxImageEffectPropSupportedContexts, 1, kOfxImageEffectContextGeneral);
  const char* depths[] = {kOfxBitDepthByte, kOfxBitDepthShort, kOfxBitDepthHalf, kOfxBitDepthFloat};
  props->propSetStringN(set, kOfxImageEffectPropSupportedPixelDepths, 4, depths);
  props->propSetInt(set, kOfxImageEffectPropTemporalClipAccess, 0, 1);
  props->propSetInt(set, kOfxImageEffectPropSupportsTiles, 0, 0);
  const char* safety = kOfxImageEffectRenderInstanceSafe;
  if (misbehaves("fully safe")) safety = kOfxImageEffectRenderFullySafe;
  if (misbehaves("unsafe")) safety = kOfxImageEffectRenderUnsafe;
  props->propSetString(set, kOfxImageEffectPluginRenderThreadSafety, 0, safety);
  describeBadly(set);
  return kOfxStatOK;
}

void defineClip(OfxImageEffectHandle effect, const char* name, bool optional) {
  OfxPropertySetHandle set = nullptr;
  if (effects->clipDefine(effect, name, &set) != kOfxStatOK) return;
  props->propSetString(set, kOfxImageEffectPropSupportedComponents, 0, kOfxImageComponentRGBA);
  props->propSetString(set, kOfxImageEffectPropSupportedComponents, 1, kOfxImageComponentRGB);
  props->propSetInt(set, kOfxImageEffectPropTemporalClipAccess, 0, 1);
  props->propSetInt(set, kOfxImageClipPropOptional, 0, optional ? 1 : 0);
}

OfxPropertySetHandle defineParam(OfxParamSetHandle set, const char* type, const char* name) {
  OfxPropertySetHandle handle = nullptr;
  return params->paramDefine(set, type, name, &handle) == kOfxStatOK ? handle : nullptr;
}

void defineNumber(OfxParamSetHandle set, const char* name, int initial, int low, int high) {
  const OfxPropertySetHandle handle = defineParam(set, kOfxParamTypeInteger, name);
  if (handle == nullptr) return;
  props->propSetInt(handle, kOfxParamPropDefault, 0, initial);
  props->propSetInt(handle, kOfxParamPropMin, 0, low);
  props->propSetInt(handle, kOfxParamPropMax, 0, high);
}

OfxStatus describeInContext(OfxImageEffectHandle effect) {
  defineClip(effect, kOfxImageEffectSimpleSourceClipName, false);
  defineClip(effect, "Keyframes", true);
  defineClip(effect, kOfxImageEffectOutputClipName, false);
  OfxParamSetHandle set = nullptr;
  effects->getParamSet(effect, &set);
  defineNumber(set, "shift", 0, -100, 100);
  defineNumber(set, "scale", 1, 1, 4);
  defineNumber(set, "waitMs", 0, 0, 100000);
  const OfxPropertySetHandle gain = defineParam(set, kOfxParamTypeDouble, "gain");
  props->propSetDouble(gain, kOfxParamPropDefault, 0, 1.0);
  const OfxPropertySetHandle mode = defineParam(set, kOfxParamTypeChoice, "mode");
  props->propSetString(mode, kOfxParamPropChoiceOption, 0, "Invert");
  props->propSetString(mode, kOfxParamPropChoiceOption, 1, "Pass");
  const OfxPropertySetHandle note = defineParam(set, kOfxParamTypeString, "note");
  props->propSetString(note, kOfxParamPropDefault, 0, "none");
  const OfxPropertySetHandle hidden = defineParam(set, kOfxParamTypeInteger, "hidden");
  props->propSetInt(hidden, kOfxParamPropSecret, 0, 1);
  defineParam(set, kOfxParamTypePushButton, "flag");
  if (misbehaves("duplicate param")) defineParam(set, kOfxParamTypeDouble, "gain");
  if (misbehaves("unknown param type")) defineParam(set, "OfxParamTypeSlider", "slider");
  if (misbehaves("duplicate clip")) defineClip(effect, "Keyframes", true);
  return kOfxStatOK;
}

// ---- instance

OfxParamHandle paramOf(OfxImageEffectHandle effect, const char* name) {
  OfxParamSetHandle set = nullptr;
  effects->getParamSet(effect, &set);
  OfxParamHandle handle = nullptr;
  params->paramGetHandle(set, name, &handle, nullptr);
  return handle;
}

int wholeAt(OfxImageEffectHandle effect, const char* name, double time) {
  int value = 0;
  params->paramGetValueAtTime(paramOf(effect, name), time, &value);
  return value;
}

OfxImageClipHandle clipOf(OfxImageEffectHandle effect, const char* name) {
  OfxImageClipHandle clip = nullptr;
  effects->clipGetHandle(effect, name, &clip, nullptr);
  return clip;
}

void fetchAndRelease(OfxImageEffectHandle effect, double time) {
  OfxPropertySetHandle image = nullptr;
  if (effects->clipGetImage(clipOf(effect, "Source"), time, nullptr, &image) == kOfxStatOK && image != nullptr) {
    effects->clipReleaseImage(image);
  }
}

void leak(OfxImageEffectHandle effect) {
  void* block = nullptr;
  if (misbehaves("memory leak")) memory->memoryAlloc(effect, 100, &block);
  OfxMutexHandle mutex = nullptr;
  if (misbehaves("mutex leak")) threads->mutexCreate(&mutex, 0);
  OfxImageMemoryHandle image = nullptr;
  if (misbehaves("image memory leak")) effects->imageMemoryAlloc(effect, 100, &image);
}

OfxStatus createInstance(OfxImageEffectHandle effect) {
  if (misbehaves("image in create")) fetchAndRelease(effect, 0);
  if (misbehaves("fail create")) {
    messages->message(effect, kOfxMessageError, "id", "%s", "cannot be made");
    return kOfxStatFailed;
  }
  OfxParamSetHandle set = nullptr;
  effects->getParamSet(effect, &set);
  if (misbehaves("late clip")) defineClip(effect, "Late", true);
  if (misbehaves("late param")) defineParam(set, kOfxParamTypeDouble, "late");
  if (misbehaves("edit block in create")) params->paramEditBegin(set, "creating");
  leak(effect);
  return kOfxStatOK;
}

OfxStatus destroyInstance() { return misbehaves("fail destroy") ? kOfxStatFailed : kOfxStatOK; }

OfxStatus instanceChanged(OfxImageEffectHandle effect, OfxPropertySetHandle in) {
  char* text = nullptr;
  props->propGetString(in, kOfxPropName, 0, &text);
  const std::string name = text;
  props->propGetString(in, kOfxPropChangeReason, 0, &text);
  if (name != "flag" || std::strcmp(text, kOfxChangeUserEdited) != 0) return kOfxStatReplyDefault;
  double time = 0;
  props->propGetDouble(in, kOfxPropTime, 0, &time);
  progress->progressStart(effect, "flagging", "flag");
  const bool cancelled = progress->progressUpdate(effect, misbehaves("bad progress") ? 50 : 0.5) == kOfxStatReplyNo;
  if (!misbehaves("open progress")) progress->progressEnd(effect);
  if (misbehaves("progress after its end")) progress->progressUpdate(effect, 1);
  if (cancelled) return kOfxStatOK;
  params->paramSetValueAtTime(paramOf(effect, "gain"), time, 0.25);
  const std::string note = "flagged " + std::to_string(static_cast<int>(time));
  params->paramSetValue(paramOf(effect, "note"), note.c_str());
  return kOfxStatOK;
}

// ---- questions

OfxStatus regionOfDefinition(OfxImageEffectHandle effect, OfxPropertySetHandle in, OfxPropertySetHandle out) {
  double time = 0;
  props->propGetDouble(in, kOfxPropTime, 0, &time);
  if (misbehaves("image in question")) fetchAndRelease(effect, time);
  OfxRectD region{};
  if (effects->clipGetRegionOfDefinition(clipOf(effect, "Source"), time, &region) != kOfxStatOK)
    return kOfxStatReplyDefault;
  const double scale = wholeAt(effect, "scale", time);
  double scaled[] = {region.x1 * scale, region.y1 * scale, region.x2 * scale, region.y2 * scale};
  if (misbehaves("bad region")) scaled[2] = scaled[0] - 1;
  props->propSetDoubleN(out, kOfxImageEffectPropRegionOfDefinition, 4, scaled);
  return misbehaves("bad status") ? 77 : kOfxStatOK;
}

OfxStatus framesNeeded(OfxImageEffectHandle effect, OfxPropertySetHandle in, OfxPropertySetHandle out) {
  double time = 0;
  props->propGetDouble(in, kOfxPropTime, 0, &time);
  if (misbehaves("write in question")) params->paramSetValue(paramOf(effect, "note"), "asked");
  const double wanted = time + wholeAt(effect, "shift", time);
  const double range[] = {wanted, wanted, time, time};
  const char* name = "OfxImageClipPropFrameRange_Source";
  if (misbehaves("undeclared frame")) return kOfxStatReplyDefault;
  props->propSetDoubleN(out, name, misbehaves("odd range") ? 3 : 4, range);
  return kOfxStatOK;
}

OfxStatus clipPreferences(OfxPropertySetHandle out) {
  if (misbehaves("bad preferences")) {
    props->propSetString(out, "OfxImageClipPropComponents_Output", 0, kOfxImageComponentAlpha);
    return kOfxStatOK;
  }
  return kOfxStatReplyDefault;
}

OfxStatus isIdentity(OfxImageEffectHandle effect, OfxPropertySetHandle in, OfxPropertySetHandle out) {
  double time = 0;
  props->propGetDouble(in, kOfxPropTime, 0, &time);
  if (wholeAt(effect, "mode", time) != 1) return kOfxStatReplyDefault;
  props->propSetString(out, kOfxPropName, 0, misbehaves("bad identity") ? "Nothing" : "Source");
  props->propSetDouble(out, kOfxPropTime, 0, time + wholeAt(effect, "shift", time));
  return kOfxStatOK;
}

// ---- render

struct Image {
  OfxPropertySetHandle handle = nullptr;
  OfxRectI bounds{};
  char* data = nullptr;
  std::ptrdiff_t rowBytes = 0;
  int samples = 4;
  std::string depth;
};

std::optional<Image> fetchImage(OfxImageEffectHandle effect, const char* clip, double time) {
  Image image;
  if (effects->clipGetImage(clipOf(effect, clip), time, nullptr, &image.handle) != kOfxStatOK) return std::nullopt;
  if (image.handle == nullptr) return std::nullopt;
  int rowBytes = 0;
  int bounds[4];
  void* data = nullptr;
  char* text = nullptr;
  props->propGetInt(image.handle, kOfxImagePropRowBytes, 0, &rowBytes);
  props->propGetIntN(image.handle, kOfxImagePropBounds, 4, bounds);
  props->propGetPointer(image.handle, kOfxImagePropData, 0, &data);
  props->propGetString(image.handle, kOfxImageEffectPropComponents, 0, &text);
  image.samples = std::strcmp(text, kOfxImageComponentRGB) == 0 ? 3 : 4;
  props->propGetString(image.handle, kOfxImageEffectPropPixelDepth, 0, &text);
  image.depth = text;
  image.bounds = {bounds[0], bounds[1], bounds[2], bounds[3]};
  image.data = static_cast<char*>(data);
  image.rowBytes = rowBytes;
  return image;
}

template <typename T>
T* pixel(const Image& image, int x, int y) {
  char* row = image.data + (y - image.bounds.y1) * image.rowBytes;
  return reinterpret_cast<T*>(row) + static_cast<std::ptrdiff_t>(image.samples) * (x - image.bounds.x1);
}

/// 1 - value for every sample, in units of the depth.
template <typename T>
void invert(const Image& from, const Image& to, const OfxRectI& window, int scale, T one, float gain) {
  for (int y = window.y1; y < window.y2; ++y) {
    for (int x = window.x1; x < window.x2; ++x) {
      const T* in = pixel<T>(from, std::min(x / scale, from.bounds.x2 - 1), std::min(y / scale, from.bounds.y2 - 1));
      T* out = pixel<T>(to, x, y);
      for (int c = 0; c < to.samples; ++c) out[c] = static_cast<T>(gain * static_cast<float>(one - in[c]));
    }
  }
}

/// Waits as the waitMs parameter says, and gives up when the host says so. True = aborted.
bool waited(OfxImageEffectHandle effect, double time) {
  const int steps = wholeAt(effect, "waitMs", time) / 10;
  for (int i = 0; i < steps; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (effects->abort(effect) != 0 && !misbehaves("ignore abort")) return true;
  }
  return false;
}

/// Memory of the host and its threads, wrongly used.
void allocateBadly(OfxImageEffectHandle effect) {
  void* block = nullptr;
  if (misbehaves("memory freed twice")) {
    memory->memoryAlloc(effect, 100, &block);
    memory->memoryFree(block);
    memory->memoryFree(block);
  }
  if (misbehaves("memory freed while locked")) {
    OfxImageMemoryHandle image = nullptr;
    effects->imageMemoryAlloc(effect, 100, &image);
    effects->imageMemoryLock(image, &block);
    effects->imageMemoryFree(image);
  }
  if (misbehaves("throw in worker"))
    threads->multiThread([](unsigned int, unsigned int, void*) { throw 42; }, 2, nullptr);
}

void renderBadly(OfxImageEffectHandle effect, const Image& source, const Image& output, double time) {
  if (misbehaves("throw in render")) throw 42;
  if (misbehaves("write param")) params->paramSetValue(paramOf(effect, "note"), "written");
  if (misbehaves("input modified")) source.data[0] = static_cast<char>(source.data[0] + 1);
  if (misbehaves("overrun")) output.data[-1] = 0;
  if (misbehaves("progress in render")) progress->progressStart(effect, "render", "render");
  if (misbehaves("undeclared frame")) fetchAndRelease(effect, time + 1);
  if (misbehaves("fp state")) std::fesetround(FE_UPWARD);
  if (misbehaves("unknown param")) paramOf(effect, "nonsense");
  if (misbehaves("foreign thread")) std::thread([&] { fetchAndRelease(effect, time); }).join();
  if (misbehaves("bad message")) messages->message(effect, "OfxMessageShout", "", "hello");
  if (misbehaves("question")) messages->message(effect, kOfxMessageQuestion, "", "really?");
  if (misbehaves("bad time")) fetchAndRelease(effect, std::nan(""));
  if (misbehaves("unknown clip")) clipOf(effect, "Matte");
  if (misbehaves("value of a button")) wholeAt(effect, "flag", time);
  allocateBadly(effect);
}

/// Two strings got one after the other: in a host with short strings the first is dead when the second is there.
void useDeadString(OfxPropertySetHandle image, const Image& output) {
  char* depth = nullptr;
  char* components = nullptr;
  props->propGetString(image, kOfxImageEffectPropPixelDepth, 0, &depth);
  const std::string before = depth;
  props->propGetString(image, kOfxImageEffectPropComponents, 0, &components);
  if (before != depth) *output.data = 1;
}

OfxRectI windowOf(OfxPropertySetHandle in) {
  int window[4];
  props->propGetIntN(in, kOfxImageEffectPropRenderWindow, 4, window);
  OfxRectI result{window[0], window[1], window[2], window[3]};
  if (misbehaves("unwritten row")) ++result.y1;
  if (misbehaves("outside window")) ++result.y2;
  return result;
}

void process(const Image& source, const Image& output, const OfxRectI& window, int scale, float gain) {
  if (output.depth == kOfxBitDepthByte) invert<std::uint8_t>(source, output, window, scale, 255, gain);
  if (output.depth == kOfxBitDepthShort) invert<std::uint16_t>(source, output, window, scale, 65535, gain);
  if (output.depth == kOfxBitDepthFloat) invert<float>(source, output, window, scale, 1.0F, gain);
  if (output.depth != kOfxBitDepthHalf) return;
  for (int y = window.y1; y < window.y2; ++y) {
    for (int x = window.x1; x < window.x2; ++x) {  // a copy: halves have no arithmetic here
      const std::uint16_t* in = pixel<std::uint16_t>(source, x / scale, y / scale);
      std::memcpy(pixel<std::uint16_t>(output, x, y), in,
                  sizeof(std::uint16_t) * static_cast<std::size_t>(output.samples));
    }
  }
}

OfxStatus render(OfxImageEffectHandle effect, OfxPropertySetHandle in) {
  double time = 0;
  double renderScale[2];
  props->propGetDouble(in, kOfxPropTime, 0, &time);
  props->propGetDoubleN(in, kOfxImageEffectPropRenderScale, 2, renderScale);
  if (misbehaves("fail render")) {
    messages->message(effect, kOfxMessageError, "id", "%s", "cannot render");
    return kOfxStatFailed;
  }
  const std::optional<Image> source = fetchImage(effect, "Source", time + wholeAt(effect, "shift", time));
  const std::optional<Image> output = fetchImage(effect, "Output", time);
  if (!source || !output) {
    if (source) effects->clipReleaseImage(source->handle);
    if (output) effects->clipReleaseImage(output->handle);
    return kOfxStatFailed;
  }
  double gain = 1;
  params->paramGetValueAtTime(paramOf(effect, "gain"), time, &gain);
  OfxStatus status = kOfxStatOK;
  if (waited(effect, time)) {
    status = kOfxStatFailed;
  } else {
    process(*source, *output, windowOf(in), wholeAt(effect, "scale", time), static_cast<float>(gain));
    renderBadly(effect, *source, *output, time);
    if (misbehaves("dead string")) useDeadString(source->handle, *output);
  }
  if (!misbehaves("leak image")) effects->clipReleaseImage(source->handle);
  if (misbehaves("release twice")) effects->clipReleaseImage(source->handle);
  if (!misbehaves("leak output")) effects->clipReleaseImage(output->handle);
  if (misbehaves("release output twice")) effects->clipReleaseImage(output->handle);
  int rowBytes = 0;
  if (misbehaves("use after release")) props->propGetInt(source->handle, kOfxImagePropRowBytes, 0, &rowBytes);
  return status;
}

// ---- entry

OfxStatus dispatch(const std::string& action, OfxImageEffectHandle effect, OfxPropertySetHandle in,
                   OfxPropertySetHandle out) {
  if (action == kOfxActionLoad) return load();
  if (action == kOfxActionUnload) return kOfxStatOK;
  if (action == kOfxActionDescribe) return describe(effect);
  if (action == kOfxImageEffectActionDescribeInContext) return describeInContext(effect);
  if (action == kOfxActionCreateInstance) return createInstance(effect);
  if (action == kOfxActionDestroyInstance) return destroyInstance();
  if (action == kOfxActionInstanceChanged) return instanceChanged(effect, in);
  if (action == kOfxImageEffectActionGetRegionOfDefinition) return regionOfDefinition(effect, in, out);
  if (action == kOfxImageEffectActionGetFramesNeeded) return framesNeeded(effect, in, out);
  if (action == kOfxImageEffectActionGetClipPreferences) return clipPreferences(out);
  if (action == kOfxImageEffectActionIsIdentity) return isIdentity(effect, in, out);
  if (action == kOfxImageEffectActionRender) return render(effect, in);
  return kOfxStatReplyDefault;
}

OfxStatus mainEntry(const char* action, const void* handle, OfxPropertySetHandle in, OfxPropertySetHandle out) {
  const auto effect = static_cast<OfxImageEffectHandle>(const_cast<void*>(handle));
  return dispatch(action, effect, in, out);
}

void setHost(OfxHost* host) {
  theHost = host;
  if (misbehaves("suite in setHost")) fetch<OfxPropertySuiteV1>(kOfxPropertySuite, 1);
}

OfxPlugin thePlugin = {
    kOfxImageEffectPluginApi, kOfxImageEffectPluginApiVersion, "com.sparkvsr.HostTest", 1, 0, setHost, mainEntry};

}  // namespace

/// The standard has hosts call this first, if it is there.
OfxExport OfxStatus OfxSetHost(const OfxHost*) {
  hostOffered = true;
  return misbehaves("refuse host") ? kOfxStatFailed : kOfxStatOK;
}

OfxExport int OfxGetNumberOfPlugins(void) { return hostOffered ? 1 : 0; }
OfxExport OfxPlugin* OfxGetPlugin(int nth) { return nth == 0 ? &thePlugin : nullptr; }
