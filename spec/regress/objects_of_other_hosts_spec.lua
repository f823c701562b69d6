-- volume:clone("web", { pool = pool_of_another_host }) and pool:create_xml_from(xml, volume_of_another_host) gave libvirt the volume's name, and that
-- host's libvirt copied its own volume of that name, if it had one: other data than what was asked for, without a word.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local NODE = [[<node><pool type='dir'><name>images</name><uuid>dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566</uuid>
  <target><path>/images</path></target></pool></node>]]
local VOLUME = "<volume><name>%s</name><capacity>1048576</capacity><target><format type='qcow2'/></target></volume>"

describe("A volume of another host", function()
  local directory = helper.scratch()
  helper.leaves_nothing()

  -- A host of its own, with a pool and a volume.
  local function host_named(name)
    local path = directory .. "/" .. name
    local file <close> = assert(io.open(path, "w"))
    file:write(NODE)
    file:flush()
    local host = guestlua.open("test://" .. path)
    local pool = host:pool("images")
    return host, pool, pool:create_xml(VOLUME:format("web"))
  end

  it("is neither copied nor a backing image", function()
    local here <close>, pool, volume = host_named("here") -- luacheck: ignore here
    local there <close>, other_pool, other = host_named("there") -- luacheck: ignore there
    for argument, call in pairs({
      pool = function() volume:clone("copy", { pool = other_pool }) end,
      volume = function() pool:create_xml_from(VOLUME:format("copy"), other) end,
      backing = function() pool:create_volume({ name = "copy", capacity = 1 << 20, backing = other, backing_format = "qcow2" }) end,
    }) do
      local e = helper.failure(call)
      assert.same({ "bad_argument", argument }, { e.kind, e.argument })
      assert.matches("of the same host expected", e.message)
    end
    assert.is_nil(pool:volume("copy"))
    assert.is_nil(other_pool:volume("copy"))
    assert.equal("copy", volume:clone("copy", { pool = pool }).name)
  end)

  it("is none if the host was opened twice", function()
    local one <close> = guestlua.open("test:///default")
    local two <close> = guestlua.open("test:///default")
    local volume = one:pool("default-pool"):create_xml(VOLUME:format("twice"))
    local copy = two:pool("default-pool"):create_xml_from(VOLUME:format("copy"), volume)
    assert.equal("copy", copy.name)
    copy:delete()
    volume:delete()
  end)
end)
