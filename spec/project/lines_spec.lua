-- Each method and function has an example, and each of lua/guestlua/prompt/lines.lua is right; those of virsh.lua are virsh_spec's.

local check = require("guestlua.command.check")
local examples = require("guestlua.prompt.examples")
local help = require("guestlua.prompt.help")
local helper = require("spec.support.helper")
local lines = require("guestlua.prompt.lines")
local pages = require("guestlua.prompt.pages")
local virsh = require("spec.support.virsh")

local function each_example(fn)
  for _, section in ipairs(lines) do
    for i = 3, #section do
      fn(section, section[i])
    end
  end
end

describe("Every method and function", function()
  it("has an example", function()
    local missing, count, is_newer = {}, 0, require("spec.support.objects").newer()
    for _, class in ipairs(help.classes()) do
      for _, row in ipairs(class.methods) do
        count = count + 1
        missing[#missing + 1] = not examples.of(class, row) and not is_newer[class.name .. "." .. row.name] and class.name .. "." .. row.name
          or nil
      end
    end
    assert.same({}, missing)
    assert.is_true(count > 500, count)
  end)

  it("shows it in help() and in the reference", function()
    local text = examples.of(help.classes().Stream, help.member(help.classes().Stream, "expect"))
    local last = text:match("[^\n]+$")
    assert.is_truthy(pages.text("Stream.expect"):find("\nFor example:\n  local console <close> = guest:console{ force = true }\n  console:", 1, true))
    assert.is_truthy(pages.text("Stream.expect"):find("\n  " .. last, 1, true))
    local file <close> = assert(io.open("doc/reference/Stream.md"))
    assert.is_truthy(file:read("a"):find("\nFor example:\n\n    " .. text:gsub("\n", "\n    ") .. "\n", 1, true))
  end)
end)

describe("Each example", function()
  it("is Lua, and each method, function and option in it is one", function()
    each_example(function(section, text)
      assert.same({}, check.misspelt(text, assert(virsh.source({ preamble = section[2] }, text))))
    end)
  end)

  it("is there because it is the example of something", function()
    local used = {}
    for _, class in ipairs(help.classes()) do
      for _, row in ipairs(class.methods) do
        used[examples.of(class, row) or ""] = true
      end
    end
    each_example(function(_, text)
      assert.is_true(used[text] or false, text)
    end)
  end)
end)

-- Sections of which test:///default has nothing, or not enough: their examples run in a dry run there, in which the arguments are looked at. What it
-- reads then the driver may not have either: no_support is libvirt's answer to a call that was right. Those for a guest on QEMU run on one, too:
-- spec/real/lines_spec.lua.
local DRY = {
  ["Identity, security, rates"] = true, ["Ports, leases, filters"] = true, ["Mediated devices, secrets"] = true, ["Events of secrets"] = true,
  ["Calls that a guest on QEMU answers"] = true, ["What the guest's agent, memory and monitor answer"] = true,
  ["Checkpoints, backups, migration"] = true, ["Consoles and channels"] = true, ["Workflows"] = true,
}

-- What is right and ends with an error here: why, and where such a call runs.
local REFUSED = {
  ["error(guestlua.Error.new"] = "not_ready", -- which it raises
  ["device:wait_event("] = "timeout", -- the driver's only device that stays: spec/host/object_event_spec.lua
  ["workflow.clone("] = "operation_invalid", -- web1 runs: spec/real/clone_spec.lua
  ["workflow.offline_migrate("] = "bad_argument", -- there is one host: spec/real/live_migrate_others_spec.lua
  ["for _, moved in ipairs(workflow.drain"] = "bad_argument", -- so here: spec/real/drain_spec.lua
  ["for _, backup in ipairs(workflow.verify"] = "no_backup", -- spec/real/backup_spec.lua, and the next two
  ["print(#workflow.prune("] = "no_backup",
  ["workflow.restore("] = "no_backup",
}

local function refused(text)
  for start, kind in pairs(REFUSED) do
    if text:sub(1, #start) == start then
      return kind
    end
  end
end

describe("On the test driver run the examples of", function()
  it("sections that are there, and each exception is one", function()
    local titles, starts = {}, {}
    for _, section in ipairs(lines) do
      titles[section[1]] = true
    end
    each_example(function(_, text)
      for start in pairs(REFUSED) do
        starts[start] = starts[start] or text:sub(1, #start) == start
      end
    end)
    for title in pairs(DRY) do
      assert.is_true(titles[title], title)
    end
    for start in pairs(REFUSED) do
      assert.is_true(starts[start], start)
    end
  end)

  local directory = helper.scratch()
  lazy_setup(function()
    local file <close> = assert(io.open(directory .. "/hosts", "w"))
    file:write("node1 test:///default\n")
  end)
  lazy_teardown(function()
    os.execute("rm -r " .. helper.quoted(directory))
  end)

  for _, section in ipairs(lines) do
    local title = section[1]
    it(title, function()
      local dry = DRY[title]
      local code, out, err = helper.guestlua(("spec/support/lines.lua %s %s %s")
        :format(helper.quoted(title):gsub("%%", "%%%%"), helper.quoted(directory), dry and "dry" or ""))
      assert.equal(0, code, err)
      local count = 0
      for result, text in out:gmatch("([^\t\n]*)\t([^\n]*)\n") do
        count = count + 1
        local allowed = refused(text) or "ok"
        assert.is_true(result == allowed or dry and (result == "dry_run" or result == "no_support") or false, text .. ": " .. result)
      end
      assert.equal(#section - 2, count, out)
    end)
  end
end)
