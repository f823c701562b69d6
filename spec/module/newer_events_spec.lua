-- What is made of the description of a libvirt that has events which this repository has never seen.

local helper = require("spec.support.helper")
local objects = require("spec.support.objects")

local NEWER = [[
<enum name='VIR_DOMAIN_EVENT_ID_NEVER_SEEN' file='libvirt-domain' value='31' type='virDomainEventID'
  info='virConnectDomainEventNeverSeenCallback (Since: 99.1.0)'/>
<enum name='VIR_DOMAIN_EVENT_ID_BEYOND' file='libvirt-domain' value='40' type='virDomainEventID'
  info='virConnectDomainEventNeverSeenCallback'/>
<enum name='VIR_DOMAIN_EVENT_ID_UNDESCRIBED' file='libvirt-domain' value='32' type='virDomainEventID'/>
<enum name='VIR_DOMAIN_EVENT_NEVER_SEEN_MOOD_GOOD' file='libvirt-domain' value='0' type='virDomainEventNeverSeenMood'/>
<enum name='VIR_DOMAIN_EVENT_NEVER_SEEN_MOOD_BAD' file='libvirt-domain' value='1' type='virDomainEventNeverSeenMood'/>
<enum name='VIR_DOMAIN_EVENT_LEVITATED' file='libvirt-domain' value='9' type='virDomainEventType'/>
<enum name='VIR_DOMAIN_EVENT_LEVITATED_HIGH' file='libvirt-domain' value='0' type='virDomainEventLevitatedDetailType'/>
<functype name='virConnectDomainEventNeverSeenCallback' file='libvirt-domain' module='libvirt-domain'>
  <return type='void'/>
  <arg name='conn' type='virConnectPtr' info=''/><arg name='dom' type='virDomainPtr' info=''/>
  <arg name='devAlias' type='const char *' info=''/><arg name='mood' type='int' info=''/>
  <arg name='odd' type='struct odd *' info=''/><arg name='size' type='unsigned long long' info=''/>
  <arg name='params' type='virTypedParameterPtr' info=''/><arg name='nparams' type='int' info=''/>
  <arg name='opaque' type='void *' info=''/>
</functype>
<enum name='VIR_NETWORK_EVENT_ID_METADATA_CHANGE' file='libvirt-network' value='1' type='virNetworkEventID'
  info='virConnectNetworkEventMetadataChangeCallback'/>
<enum name='VIR_NETWORK_METADATA_DESCRIPTION' file='libvirt-network' value='0' type='virNetworkMetadataType'/>
<enum name='VIR_NETWORK_METADATA_ELEMENT' file='libvirt-network' value='2' type='virNetworkMetadataType'/>
<functype name='virConnectNetworkEventMetadataChangeCallback' file='libvirt-network' module='libvirt-network'>
  <return type='void'/>
  <arg name='conn' type='virConnectPtr' info=''/><arg name='net' type='virNetworkPtr' info=''/>
  <arg name='type' type='int' info=''/><arg name='nsuri' type='const char *' info=''/><arg name='opaque' type='void *' info=''/>
</functype>
]]

-- The same for the compiler, as far as the installed headers do not have it.
local HEADER = [[
struct odd;
#define VIR_DOMAIN_EVENT_ID_NEVER_SEEN 31
#define VIR_DOMAIN_EVENT_NEVER_SEEN_MOOD_GOOD 0
#define VIR_DOMAIN_EVENT_NEVER_SEEN_MOOD_BAD 1
#define VIR_DOMAIN_EVENT_LEVITATED 9
#define VIR_DOMAIN_EVENT_LEVITATED_HIGH 0
]]
local SINCE_9_7 = [[
#define VIR_NETWORK_EVENT_ID_METADATA_CHANGE 1
#define VIR_NETWORK_METADATA_DESCRIPTION 0
#define VIR_NETWORK_METADATA_ELEMENT 2
]]

local function put(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

describe("Events of a newer libvirt", function()
  local directory, text
  setup(function()
    directory = helper.scratch()
    local _, _, description = objects.tables()
    local has_metadata = objects.description.enums.virNetworkMetadataType
    put(directory .. "/newer.xml", has_metadata and NEWER:gsub("<enum name='VIR_NETWORK_EVENT_ID.*", "") or NEWER)
    put(directory .. "/newer.h", HEADER .. (has_metadata and "" or SINCE_9_7))
    local paths = { directory .. "/newer.xml", table.unpack(objects.paths) }
    text = objects.events(description.read(paths))
    put(directory .. "/events.c", text)
  end)

  it("have their names, and those of their arguments, in C that compiles", function()
    local cflags = select(2, helper.run("pkg-config --cflags libvirt lua5.4")):gsub("\n", "")
    local code, _, err = helper.run(("cc -std=gnu11 -fsyntax-only -Wall -Wextra -Werror -Isrc %s -include %s/newer.h %s/events.c"):format(
      cflags, directory, directory))
    assert.same({ 0, "" }, { code, err })
    assert.matches('[GL_EVENTS_OF_GUESTS + VIR_DOMAIN_EVENT_ID_NEVER_SEEN] = "never_seen",', text, 1, true)
    assert.matches('{.name = "dev_alias", .part = GL_EVENT_TEXT, .index = 0},\n  {.name = "mood", .part = GL_EVENT_NUMBER, .index = 0, '
      .. '.names = &enum_virDomainEventNeverSeenMood},\n  {.name = "size", .part = GL_EVENT_NUMBER, .index = 1},\n'
      .. '  {.name = "params", .part = GL_EVENT_PARAMS, .index = 0},\n  {.name = NULL}', text, 1, true)
    assert.matches('[GL_EVENTS_OF_NETWORKS + VIR_NETWORK_EVENT_ID_METADATA_CHANGE] = "network_metadata_change",', text, 1, true)
  end)

  it("have the words of their numbers", function()
    assert.matches('[VIR_DOMAIN_EVENT_NEVER_SEEN_MOOD_BAD] = "bad"', text, 1, true)
    assert.matches('[VIR_DOMAIN_EVENT_LEVITATED] = "levitated"', text, 1, true)
    assert.matches("[VIR_DOMAIN_EVENT_LEVITATED] = &enum_virDomainEventLevitatedDetailType", text, 1, true)
    assert.matches('[VIR_NETWORK_METADATA_ELEMENT] = "element"', text, 1, true)
  end)

  it("are left out if there is no room for their number, or nothing says what they have", function()
    assert.is_nil(text:find("EVENT_ID_BEYOND", 1, true))
    assert.is_nil(text:find("UNDESCRIBED", 1, true))
  end)
end)
