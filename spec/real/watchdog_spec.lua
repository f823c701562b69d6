-- A program that dies while it has a guest's file systems frozen: they are thawed, whatever the program is and wherever its driver runs.

local core = require("guestlua.core")
local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local LONG = 180

describe("A guest that was frozen by a program that died", function()
  local function is_empty(journal)
    return #core.list_directory(journal) == 0
  end

  it("is thawed, if the program has guestlua as a library", function()
    local machine, missing = faults.daemon()
    if not machine then
      pending(missing)
    end
    local down <close> = machine -- luacheck: ignore
    local build, journal = helper.interpreter:match("^(.*)/"), machine.root .. "/journal"
    if build:match("/%a+$") then
      pending("a program with a sanitizer is built by embed_spec")
    end
    local program = machine.root .. "/frozen"
    assert.same({ 0, "", "" }, { helper.run(("gcc -std=gnu11 -Isrc -o %s spec/embed/frozen.c -L%s -Wl,-rpath,$PWD/%s -lguestlua "
      .. "$(pkg-config --cflags --libs lua5.4 libvirt)"):format(program, build, build)) })
    -- its watchdog finds the command by PATH
    local code, out, err = helper.run(("env PATH=$PWD/%s:$PATH %s %s tiny %s"):format(build, program, helper.quoted(machine.uri), journal))
    assert.same({ 128 + 9, "frozen\n" }, { code, out }, err)
    helper.await(function() return is_empty(journal) end, "nobody recovers it", LONG)
    assert.matches('"thawed"', machine.guest:agent_command('{"execute":"guest-fsfreeze-status"}', { timeout = 60 }))
  end)

  it("is thawed, although libvirtd is away for a while, and whoever thaws it has to end as well", function()
    local machine, missing = faults.daemon()
    if not machine then
      pending(missing)
    end
    local down <close> = machine -- luacheck: ignore
    local journal = machine.root .. "/journal"
    local child <close> = faults.start([[
      guestlua.journal({ dir = ... })
      local host <close> = guestlua.open()
      local frozen <close> = host:guest("tiny"):frozen()
      print("frozen") io.stdout:flush()
      guestlua.sleep(600)
    ]], { uri = machine.uri, args = { journal }, timeout = LONG })
    helper.await(function()
      local file <close> = io.open(child.dir .. "/out")
      return file and file:read("a") == "frozen\n"
    end, "it does not freeze")
    machine:stop({ kill = true })
    assert.equal(0, (helper.run("pkill -TERM -P " .. child.pid)))
    child:kill()
    assert.equal(128 + 9, (child:wait()))
    guestlua.sleep(20) -- longer than what is only restarted
    machine:start()
    helper.await(function() return is_empty(journal) end, "nobody recovers it", LONG)
    assert.matches('"thawed"', machine.guest:agent_command('{"execute":"guest-fsfreeze-status"}', { timeout = 60 }))
  end)

  it("is thawed, if the driver was in that program: qemu:///embed", function()
    if core.user() ~= 0 then
      pending("needs root, for the embedded driver")
    end
    local dir = helper.scratch()
    finally(function() os.execute("rm -rf " .. dir) end)
    assert(os.execute(("chmod 755 %s && cp build/tiny/* %s"):format(dir, dir)))
    local common = [[
      package.path = "./?.lua;" .. package.path
      local dir = ...
      guestlua.journal({ dir = dir .. "/journal" })
      local host <close> = guestlua.embedded(dir .. "/root")
    ]]
    local options = { args = { dir }, timeout = LONG }
    local child <close> = faults.start(common .. [[
      local guest = guestlua.Guest.create(require("spec.support.tiny").configuration("embedded", dir), host)
      guest:launch()
      guestlua.await_agent(guest, { timeout = 150 })
      local frozen <close> = guest:frozen()
      print("frozen") io.stdout:flush()
      guestlua.sleep(600)
    ]], options)
    helper.await(function()
      local file <close> = io.open(child.dir .. "/out")
      return file and file:read("a") == "frozen\n" or io.open(child.dir .. "/code")
    end, "it does not freeze")
    child:kill()
    local killed, _, why = child:wait()
    assert.equal(128 + 9, killed, why)
    helper.await(function() return is_empty(dir .. "/journal") end, "nobody recovers it", LONG)
    local recovering = helper.quoted("[r]ecover --journal " .. dir)
    helper.await(function() return helper.run("pgrep -f " .. recovering) ~= 0 end, "who recovers it keeps the driver", LONG)
    local code, out, err = faults.run(common .. [[
      local guest = host:guest("embedded")
      guestlua.await_agent(guest, { timeout = 150 })
      print(guest:agent_command('{"execute":"guest-fsfreeze-status"}', { timeout = 60 }))
      guest:poweroff()
      guest:delete_configuration()
    ]], options)
    assert.equal(0, code, err)
    assert.matches('"thawed"', out)
  end)
end)
