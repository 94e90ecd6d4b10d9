// SPDX-License-Identifier: Apache-2.0
// How hosts differ, as data: one record per host that we know, and the faults that a test may add.
#pragma once

#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace sparkvsr::host {

/// What the host does with GetRegionOfDefinition.
enum class RegionPolicy { NotCalled, Ignored, Honoured };
/// The second message suite: whole, with NULL members, or not there.
enum class MessagesV2 { Whole, NullMembers, Absent };
/// An image outside the clip's frame range.
enum class RangePolicy { Fail, Clamp, Black };
/// clipGetImage on an optional clip that nothing is connected to.
enum class UnconnectedPolicy { Fail, Null, Black };
/// Depth of the images: the clip's own where the plugin takes it, or the first of `depths` that the plugin takes.
enum class DepthPolicy { Native, Preferred };
/// How keys of an Integer parameter are read between two keys.
enum class IntegerInterpolation { Step, Linear };

struct Personality {
  std::string name;
  std::string hostName;
  std::string hostLabel;
  std::string resolvePage;  // what Resolve tells an instance of its page; empty elsewhere
  std::vector<int> apiVersion{1, 4};
  std::vector<std::string> contexts{"OfxImageEffectContextGeneral", "OfxImageEffectContextFilter"};  // preferred first
  std::vector<std::string> components{"OfxImageComponentRGBA", "OfxImageComponentRGB"};
  std::vector<std::string> depths{"OfxBitDepthFloat"};
  DepthPolicy depthPolicy = DepthPolicy::Preferred;
  bool background = false;
  bool interactive = true;
  bool multiResolution = true;
  bool tiles = true;
  bool temporal = true;
  bool multipleClipDepths = false;
  bool stringAnimation = false;
  bool choiceAnimation = true;
  bool booleanAnimation = true;
  bool customAnimation = false;
  int maxPages = 0;
  int sequentialRender = 0;                                      // host property: 0 cannot, 1 always, 2 sometimes
  int sequentialRenderStatus = 0;                                // what a render is told
  std::string premultiplication = "OfxImageAlphaPremultiplied";  // what a clip with alpha is taken for when nobody says

  // what it calls
  RegionPolicy region = RegionPolicy::Honoured;
  bool callsIsIdentity = true;
  bool callsFramesNeeded = true;
  bool sendsInstanceChanged = true;
  bool rollCall = false;      // announces every parameter as user-edited, twice, after CreateInstance
  bool renderClones = false;  // renders on copies of the instance
  std::string fieldToRender = "OfxFieldNone";
  bool thumbnails = false;          // every render is for a thumbnail, and says so
  bool contextArgsAreHost = false;  // DescribeInContext gets the host's property set as inArgs
  bool reloadsPerFrame = false;     // Load, Describe, CreateInstance for each frame, unless the plugin is RenderUnsafe

  // clips
  bool timeBlind = false;  // clipGetImage ignores the time
  bool zeroBased = false;  // time 0 is the first frame of Source
  RangePolicy range = RangePolicy::Fail;
  UnconnectedPolicy unconnected = UnconnectedPolicy::Fail;
  bool claimsConnected = false;  // optional clips say Connected although nothing is
  bool honoursFormat = false;    // OfxImageClipPropFormat in GetClipPreferences
  bool negativeRowBytes = false;
  bool through16Bit = false;  // float and half images pass 16-bit integers, clamped to 0..1
  bool randomImageIds = false;
  bool imageScaleLies = false;  // images report render scale 1 whatever the action says
  bool blueFirst = false;       // images are BGRA, and say so in OfxImageEffectPropPixelOrder

  // parameters
  bool keysReadable = true;           // false: paramGetNumKeys answers 0
  bool valuesPushedPerFrame = false;  // paramGetValueAtTime ignores the time
  bool timelineUnsupported = false;
  bool paramCopyIgnored = false;
  IntegerInterpolation integerInterpolation = IntegerInterpolation::Step;
  std::set<std::string> refusedParamTypes;  // paramDefine fails
  std::set<std::string> skippedParamTypes;  // defined, but an artist cannot reach or save them
  bool skipsSecret = false;                 // secret parameters are neither set nor saved
  std::set<std::string> missingProperties;  // answered with kOfxStatErrUnknown

  // rules of this host, beyond those that hold everywhere
  bool refusesWritesInRender = false;  // paramSetValue while rendering
  bool refusesDuplicateParams = false;
  bool checksDeclaredFrames = false;      // an image that GetFramesNeeded did not name
  bool checksUnknownProperties = false;   // a name that no OpenFX object of the kind has
  bool checksParamWrites = false;         // parameters written outside CreateInstance, InstanceChanged, SyncPrivateData
  bool shortStrings = false;              // strings die at the next call
  bool refusesEditBlockInCreate = false;  // paramEditBegin in CreateInstance

  MessagesV2 messagesV2 = MessagesV2::Whole;
};

/// A suite function that answers `status` instead of working, from its call number `after` on, `count` times (-1: for
/// ever).
struct FailingFunction {
  int status = 1;
  int after = 0;
  int count = -1;
};

/// Faults that a test adds to any personality.
struct Faults {
  std::set<std::string> missingSuites;  // "OfxMessageSuite/2"
  std::set<std::string> nullFunctions;  // "setPersistentMessage": a NULL member in every suite that has it
  std::map<std::string, FailingFunction> failing;
  std::set<std::string> refusedProperties;  // on every object
};

using OverrideValue = std::variant<bool, long long, double, std::string, std::vector<std::string>>;

/// The known names: nuke, natron, resolve, resolve-fusion, flame, flame-background, mlt, vegas, fusion, strict.
[[nodiscard]] std::vector<std::string> personalityNames();
/// Raises HostError "UnknownPersonality".
[[nodiscard]] Personality personality(const std::string& name);
/// Changes one field by its name in snake case ("multi_resolution"). Raises HostError "BadOverride" on an unknown name
/// or wrong type.
void applyOverride(Personality& subject, const std::string& field, const OverrideValue& value);
[[nodiscard]] std::vector<std::string> overrideNames();

}  // namespace sparkvsr::host
