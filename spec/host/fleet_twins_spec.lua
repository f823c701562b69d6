-- One machine under two URIs in a fleet: it is said, nothing is left out, and no guest has two workflows at once.

local claim = require("guestlua.workflow.claim")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local json = require("dkjson")

local GUEST = "<domain type='qemu'><name>%s</name><uuid>%s</uuid><memory unit='MiB'>32</memory>"
  .. "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
local WEB, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"

describe("A fleet with one machine under two URIs", function()
  local dir, missing
  helper.leaves_nothing()

  local function uri(path)
    return ("qemu+unix:///system?socket=%s/%s/libvirt-sock"):format(dir, path)
  end

  local function define(path, name, uuid)
    local host <close> = guestlua.open(uri(path))
    host:write_instance_config(GUEST:format(name, uuid)):close()
  end

  -- Two daemons of this machine, "a" with a guest that runs and "b": they have the name and the UUID of the machine in common.
  lazy_setup(function()
    dir = helper.scratch()
    local pid = require("guestlua.base.journal").process()
    for _, name in ipairs({ "a", "b" }) do
      local code, out, err = helper.run(("spec/support/daemon up %s/%s %s"):format(dir, name, pid))
      assert(code == 0 or code == 77, out .. err)
      missing = code == 77 and err or missing
    end
    if not missing then
      guestlua.journal({ dir = dir .. "/journal" })
      define("a", "web", WEB)
      local host <close> = guestlua.open(uri("a"))
      host:guest("web"):launch()
    end
  end)
  lazy_teardown(function()
    for _, name in ipairs({ "a", "b" }) do
      os.execute(("spec/support/daemon down %s/%s"):format(dir, name))
    end
  end)

  local said
  before_each(function()
    said = {}
    guestlua.log.configure({ handler = function(_, line) said[#said + 1] = line end })
  end)
  after_each(function()
    guestlua.log.configure({ handler = function(_, line) io.stderr:write(line, "\n") end })
  end)

  local function it_(what, fn)
    it(what, function()
      return missing and pending(missing) or fn()
    end)
  end

  it_("says so, once, and leaves nothing out", function()
    local fleet <close> = guestlua.fleet({ { name = "one", uri = uri("a") }, { name = "far", uri = uri("b") }, { name = "two", uri = uri("./a") },
      { name = "gone", uri = uri("none") } })
    assert.same({ 1, { "one", "two" } }, { #fleet.warnings, fleet.warnings[1].hosts })
    assert.matches("^one and two look like one machine, '.+', as they have the same UUID and the same guests", fleet.warnings[1].message)
    assert.same({ 1, "gone" }, { #fleet.problems, fleet.problems[1].name })
    fleet:connect()
    assert.equal(1, #said)
    assert.is_truthy(said[1]:find(fleet.warnings[1].message, 1, true))
    assert.equal(2, #fleet:guests())
    assert.equal(3, #fleet:map(function() end))
  end)

  it_("is in the result for programs", function()
    local list, path = dir .. "/hosts", dir .. "/result"
    do
      local file <close> = assert(io.open(list, "w"))
      file:write(("one %s\ntwo %s\n"):format(uri("a"), uri("./a")))
    end
    local code, _, err = helper.guestlua(("--result %s top --once --delay 0 --hosts %s"):format(path, list))
    assert.equal(0, code)
    assert.matches("one and two look like one machine", err)
    local file <close> = assert(io.open(path))
    local result = json.decode(file:read("a"))
    assert.same({ {}, { "one", "two" } }, { result.problems, result.warnings[1].hosts })
  end)

  it_("is a warning of Ansible's", function()
    local support = require("spec.support.ansible")
    local ansible = support.new()
    if ansible.missing then
      return pending(ansible.missing)
    end
    local code, out, err = ansible:run(("ansible localhost -c local -m guestlua.guestlua.guestlua -a %s"):format(helper.quoted(json.encode({
      executable = support.interpreter(),
      source = ("local fleet <close> = guestlua.fleet{'%s', {name='two', uri='%s'}} return #fleet:guests()"):format(uri("a"), uri("./a")) }))))
    assert.equal(0, code, err)
    assert.matches("look like one machine", (err:gsub("%s+", " ")))
    assert.matches('"returned": %[%s+2%s+%]', out)
    code, out, err = ansible:run("ansible-inventory --list -i " .. ansible:file("x.guestlua.yml", json.encode({
      plugin = "guestlua.guestlua.guests", executable = support.interpreter(),
      hosts = setmetatable({ { name = "one", uri = uri("a") }, { name = "two", uri = uri("./a") } }, { __jsontype = "array" }) })))
    assert.equal(0, code, err)
    assert.matches("one and two look like one machine", (err:gsub("%s+", " ")))
    assert.matches('"web"', out)
  end)

  it_("is not what two machines are that have a name and a UUID in common", function()
    define("b", "web", WEB) -- it does not run there
    local fleet <close> = guestlua.fleet({ uri("a"), { name = "b", uri = uri("b") } })
    assert.same({ {}, {} }, { fleet.warnings, fleet.problems })
    define("b", "other", OTHER)
    fleet:connect()
    assert.same({}, fleet.warnings)
    assert.same({}, said)
  end)

  it_("runs one workflow at a time on a guest that is listed twice", function()
    local fleet <close> = guestlua.fleet({ { name = "one", uri = uri("a") }, { name = "two", uri = uri("./a") } })
    local first <close> = fleet.hosts[1].host:guest("web")
    local claimed = claim.take(first, { id = "claim", workflow = "backup" }, {})
    for _, row in ipairs(fleet:map(function(guest) return guestlua.workflow.ensure_stopped(guest) end)) do
      assert.same({ false, "busy", "backup" }, { row.ok, row.error.kind, row.error.holder.workflow }, row.host)
    end
    claimed:release(first)
    assert.is_true(first:is_active())
  end)
end)
