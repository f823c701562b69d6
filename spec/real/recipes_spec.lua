-- Each recipe of the cookbook, and all of the tutorial, on a real guest.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local hosts = require("spec.support.hosts")
local login = require("spec.support.console")
local show = require("guestlua.prompt.show")
local tiny = require("spec.support.tiny")

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

-- The sections of a page that have Lua in them: a list of {title, blocks}.
local function sections(path)
  local list = {}
  for title, text in (read(path) .. "\n## "):gsub("\n## ", "\n\0## "):gmatch("## ([^\n]*)\n([^\0]*)") do
    local blocks = {}
    for block in text:gmatch("```lua\n(.-)```") do
      blocks[#blocks + 1] = block
    end
    if #blocks > 0 then
      list[#list + 1] = { title = title, blocks = blocks }
    end
  end
  return list
end

-- What each recipe prints, and what else it needs; every recipe is in here.
local RECIPES = {
  ["List guests and what they do"] = "running +%d+ MiB +1 CPUs",
  ["Back up every running guest"] = { "full\tfrozen\t1 disks", nbd = true },
  ["See whether a backup boots"] = { "is up after %d+.* %d+/%d+ ", nbd = true },
  ["Encrypt a backup, and get it back"] = { "%-back is there, and off\nvda\tis in the clear again\n$", nbd = true },
  ["Clone a guest"] = { "%-copy is there, and off", nbd = true },
  ["Restart guests one after the other"] = " is back",
  ["Shut all guests down, before the host is serviced"] = "all guests are off",
  ["Drain a host, before it is serviced"] = "^web1 is on .*\nthe host is empty\n$",
  ["Start a guest and wait until it can be worked with"] = "^%d+%.%d+",
  ["Make a disk larger, and the file system on it"] = "^%d+\n",
  ["Snapshot the disks, work, merge back"] = "^nobody writes to /.*\n1 disk%(s%) are one image again\n$",
  ["Try something, and take it back"] = "^vda\tis as it was in /.*disk%.qcow2\n$",
  ["Remove snapshots that are older than a week"] = "^[^\n]+\told is gone\n$",
  ["Take a snapshot each week, and keep four"] = "^[^\n]+\tweekly%-1 is merged\n$",
  ["Read a guest's console"] = "\n",
  ["Log in at a guest's console"] = "Linux .*\n",
  ["List guests with their addresses, as CSV or JSON"] = ",running,.*\n$",
  ["Make many guests of a template"] = "^worker01\t1 file%(s%)\n.*worker10\t1 file%(s%)\n$",
  ["Define guests from a file with variables"] = " is defined\n.* is defined\n$",
  ["Remove a guest, with its disks"] = "^/[^\n]*/old1/disk%.qcow2 is gone\n$",
  ["Find images that no guest needs"] = "^/default%-pool/unused%.qcow2\n$",
  ["Start guests in an order"] = " is up\noff1 is up\n$",
  ["Upgrade guests, and take all of them back if one fails"] = "the upgrade failed: \n[^\n]+ is as it was\n$",
  ["Warn of file systems that fill up"] = "^[^\n]+: /data is %d+ %% full\n$",
  ["Give a machine a fixed address"] = "^it is new, or another one\n",
  ["Freeze a guest for a snapshot of the storage"] = "^lvcreate .*\n",
  ["Slow a disk down, and pin processors"] = "^500\t0\n$",
  ["See what a running guest has and its configuration has not"] = "\n%+.*<alias",
  ["Run a command in many guests"] = ": .*load average",
  ["Report what guests do to a web service"] = "",
  ["Start a network again that somebody stops"] = "",
  ["Attach a disk for a while"] = "scratch%.qcow2\ndetached\n$",
  ["Ask many hosts"] = "%d guests, libvirt %d.*\n.*%d guests, libvirt %d",
  ["Change a guest's configuration"] = "it has 2 CPUs\n$",
}

describe("The documentation's recipes:", function()
  local machine = helper.machine({ edit = login.add })

  local handler -- that a recipe made: its host is not closed here

  -- Runs Lua with what a script finds: what it printed. Its places are those of the machine, its host is the machine's.
  local function run(code, extra, argument)
    local printed = {}
    local environment = setmetatable({
      print = function(...)
        local words = table.pack(...)
        for i = 1, words.n do
          words[i] = tostring(words[i])
        end
        printed[#printed + 1] = table.concat(words, "\t") .. "\n"
      end,
      guestlua = setmetatable(extra or {}, { __index = guestlua }),
    }, { __index = _G })
    environment.guestlua.open = rawget(environment.guestlua, "open") or function()
      return setmetatable({}, { __close = function() end, __index = function(_, key)
        if key == "on" then
          return function(_, ...)
            handler = machine.host:on(...)
          end
        end
        local value = machine.host[key]
        return type(value) == "function" and function(_, ...) return value(machine.host, ...) end or value
      end })
    end
    code = code:gsub('"/backup/web1"', ('"/backup/%s"'):format(machine.guest.name))
    code = code:gsub('"web1"', ("%q"):format(machine.guest.name)):gsub('"/(backup)', '"' .. machine.dir .. "/%1")
      :gsub('"/(root)', '"' .. machine.dir .. "/%1")
      :gsub('"/(images)', '"' .. machine.dir .. "/%1"):gsub('"curl"', '"' .. machine.dir .. '/curl"')
      :gsub("workflow%.restore%(host", "workflow.restore(guestlua.host")
    environment.guestlua.host, environment.arg = machine.host, { [0] = "recipe.lua", argument }
    assert(load(code, "=recipe", "t", environment))()
    return table.concat(printed)
  end

  -- One more guest, which is off.
  local function define(name)
    local dir = machine.dir .. "/" .. name
    local command = "mkdir -m 777 -p NEW && cp OLD/vmlinuz OLD/initrd NEW && cd NEW && qemu-img create -q -f qcow2 disk.qcow2 1M"
      .. " && chmod 666 disk.qcow2"
    assert(os.execute((command:gsub("NEW", dir):gsub("OLD", machine.dir))))
    machine.host:define_xml(tiny.configuration(name, dir))
  end

  local function forget_checkpoints() -- the recipe of a backup leaves one
    for _, one in ipairs(machine.guest:checkpoints()) do
      local checkpoint <close> = one
      checkpoint:delete()
    end
  end

  -- Guests that a recipe has made, or that were made for it.
  local function forget_others()
    for _, one in ipairs(machine.host:guests()) do
      local guest <close> = one
      if guest.name ~= machine.guest.name then
        if guest:is_active() then
          guest:poweroff()
        end
        guest:delete_configuration()
      end
    end
  end

  local ARGUMENT = { ["Warn of file systems that fill up"] = "0" }

  -- What there has to be before a recipe runs.
  local PREPARE = {
    ["Try something, and take it back"] = forget_checkpoints,
    ["Upgrade guests, and take all of them back if one fails"] = forget_checkpoints,
    ["Make many guests of a template"] = function() define("template") end,
    ["Remove a guest, with its disks"] = function() define("old1") end,
    ["Start guests in an order"] = function() define("off1") end,
    ["Encrypt a backup, and get it back"] = function()
      assert(os.execute(("printf 'a random passphrase' >%s/root/backup.key"):format(machine.dir)))
    end,
    ["Remove snapshots that are older than a week"] = function()
      machine.guest:snapshot("<domainsnapshot><name>old</name></domainsnapshot>")
    end,
    ["Log in at a guest's console"] = function()
      login.offer_login(machine, "ttyS1")
    end,
  }

  -- The test driver's host: the machine's own has neither networks nor pools.
  local function on_test_host(extra)
    local host = guestlua.open("test:///default")
    extra.open = function() return host end -- which closes it
    return host
  end

  local function with_volumes(extra)
    local host = on_test_host(extra)
    local pool = host:pool("default-pool")
    pool:create_volume({ name = "unused.qcow2", capacity = 1 << 20, format = "qcow2" })
    local used = pool:create_volume({ name = "used.qcow2", capacity = 1 << 20, format = "qcow2" })
    host:define_xml(("<domain type='test'><name>web2</name><memory>1024</memory><os><type>hvm</type></os><devices><disk type='volume'>"
      .. "<source pool='default-pool' volume='%s'/><target dev='vda'/></disk></devices></domain>"):format(used.name))
  end

  -- What a recipe finds in other places than those of the machine, in `extra`. What it returns is called afterwards, also if the
  -- recipe failed.
  local ARRANGE = {
    ["Give a machine a fixed address"] = with_volumes,
    ["Find images that no guest needs"] = with_volumes,
    ["Take a snapshot each week, and keep four"] = function()
      forget_checkpoints()
      for week = 1, 4 do
        machine.guest:snapshot_create_as("weekly-" .. week, { disk_only = true })
      end
      return function()
        guestlua.workflow.snapshot_delete(machine.guest, { name = machine.guest:get_snapshot_names({ roots = true })[1], children = true })
      end
    end,
    ["Start a network again that somebody stops"] = function(extra)
      local network = on_test_host(extra):network("default")
      network:set_autostart(true)
      extra.serve = function()
        network:destroy()
        helper.await(function() return network:is_active() end, "the network to be started again")
      end
    end,
    ["Report what guests do to a web service"] = function(extra)
      local hook = machine.dir .. "/curl"
      assert(os.execute(("printf '#!/bin/sh\\necho \"$3\" >>%s.out\\n' >%s && chmod +x %s"):format(hook, hook, hook)))
      extra.serve = function() -- until both events are reported
        machine.guest:pause()
        machine.guest:resume()
        helper.await(function()
          return read(hook .. ".out"):find("resumed", 1, true)
        end, "the events to be reported")
      end
      assert(os.execute(": >" .. hook .. ".out"))
      return function(_, failure)
        handler:close()
        if not failure then
          assert.matches('"what":"suspended"', read(hook .. ".out"), 1, true)
        end
      end
    end,
    ["Drain a host, before it is serviced"] = function(extra)
      local drained, why = hosts.up()
      if not drained then
        pending(why)
      end
      drained:boot("web1", drained.dir .. "/shared")
      local opened = setmetatable({}, { __close = function() end })
      extra.open = function() return opened end
      extra.workflow = { drain = function(host, options)
        assert(host == opened and #options.to == 2)
        options.to = { { uri = drained.b.uri, destination_uri = ("qemu+tcp://%s/system"):format(drained.address.b) } }
        options.unsafe = true -- libvirt cannot know that both hosts have the disk
        return guestlua.workflow.drain(drained.a, options)
      end }
      return function()
        drained:__close()
      end
    end,
  }

  before_each(function()
    assert(os.execute(("cd %s && mkdir -p images backup root && chmod 777 images"):format(machine.dir)))
  end)

  for _, section in ipairs(sections("doc/cookbook.md")) do
    it("cookbook: " .. section.title, function()
      local expected = assert(RECIPES[section.title], "no expectation for it here")
      if type(expected) == "table" then
        if not require("guestlua.core").nbd_copy then
          pending("this was built without libnbd")
        end
        expected = expected[1]
      end
      for _, block in ipairs(section.blocks) do
        if PREPARE[section.title] then
          PREPARE[section.title]()
        end
        block = block:gsub("os%.time%(%) %-", "os.time() + 8 * 24 * 3600 -")
        local extra = { serve = function() error("nothing here ends a recipe that serves") end }
        local after = ARRANGE[section.title] and ARRANGE[section.title](extra) or function() end
        local finally <close> = setmetatable({}, { __close = after }) -- luacheck: ignore finally
        local printed = run(block, extra, ARGUMENT[section.title])
        forget_others()
        assert.matches(expected, printed)
      end
    end)
  end

  it("and each has a section in the cookbook", function()
    local titles = {}
    for _, section in ipairs(sections("doc/cookbook.md")) do
      titles[section.title] = true
    end
    for _, list in ipairs({ RECIPES, PREPARE, ARRANGE, ARGUMENT }) do
      for title in pairs(list) do
        assert.is_true(titles[title], title)
      end
    end
  end)

  it("tutorial: the first hour", function()
    local own = setmetatable({ dry_run = function() end, plan = function() return { true } end }, { __index = guestlua }) -- there is no way back
    own.workflow = setmetatable({ reboot = function() end }, { __index = guestlua.workflow })
    local environment = setmetatable({ host = machine.host, guest = machine.guest, guestlua = own, help = function() end, print = function() end },
      { __index = _G })
    own.open = function() -- what the script closes is not the machine's
      return setmetatable({}, { __index = function(_, name)
        return function(_, ...)
          return machine.host[name](machine.host, ...)
        end
      end, __close = function() end })
    end
    local shown = {}
    for _, section in ipairs(sections("doc/tutorial.md")) do
      if section.title == "A script" then -- which is run by the command, and not at the prompt
        environment.host, environment.guest = nil, nil
      elseif not environment.host then
        environment.host, environment.guest = machine.host, machine.guest
      end
      for _, block in ipairs(section.blocks) do
        local chunk
        for line in block:gmatch("[^\n]+") do -- as the prompt reads it: an expression, or statements that may go on
          chunk = chunk and chunk .. "\n" .. line or line
          local fn = load("return " .. chunk, "=tutorial", "t", environment) or load(chunk, "=tutorial", "t", environment)
          if fn and not chunk:find("^local") then
            local results = table.pack(fn())
            for i = 1, results.n do
              shown[#shown + 1] = show.value(results[i], 100, 30)
            end
            chunk = nil
          end
        end
        if chunk then
          assert(load(chunk, "=tutorial", "t", environment))()
        end
      end
    end
    local text = table.concat(shown, "\n")
    for _, expected in ipairs({ "from the host", "operation_invalid", "suspended, resumed", "\nrunning\n", "name +seconds", "true" }) do
      assert.matches(expected, text)
    end
  end)
end)

describe("Coming from elsewhere", function()
  it("names methods that there are", function()
    local help = require("guestlua.prompt.help")
    local class_of = { host = "Host", guest = "Guest", disk = "BlockDevice", snapshot = "Snapshot", network = "Network", pool = "StoragePool",
      workflow = "workflow", guestlua = "guestlua" }
    local count, text = 0, read("doc/coming_from.md"):gsub("\n| [^\n]- | ", "\n")
    for owner, name in text:gmatch("%f[%w_](%w+)[:.]([%l_]+)[({]") do
      local class = class_of[owner]
      if class then
        assert.is_truthy(help.member(help.classes()[class], name), owner .. "." .. name)
        count = count + 1
      end
    end
    assert.is_true(count > 40, count)
  end)
end)
