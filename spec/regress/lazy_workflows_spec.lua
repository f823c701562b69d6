-- The workflows' modules load when they are first needed, and everything that lists what there is looked at what was loaded: the reference and the
-- editors' types had no workflow, help "live_migrate" found nothing, help(guestlua.workflow.snapshot_then_commit) said "not of guestlua" after any
-- earlier help, completion offered those of the modules that had been used, and --check took guestlua.workflow.rebot(1) for right. The specs loaded
-- them all by hand first, so they saw none of it. Here each question is put to a process that was started for it.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

-- The names by module, from the list in lua/guestlua/workflow/init.lua: this loads nothing.
local modules = getmetatable(guestlua.workflow).modules

local all = {}
for _, names in pairs(modules) do
  table.move(names, 1, #names, #all + 1, all)
end
table.sort(all)

-- What a fresh process prints that runs the statements.
local function fresh(statements, ...)
  local code, out, err = helper.guestlua("-e " .. helper.quoted(statements:format(...)))
  assert.same({ 0, "" }, { code, err })
  return (out:gsub("\n$", ""))
end

local function joined(names)
  local sorted = table.move(names, 1, #names, 1, {})
  table.sort(sorted)
  return table.concat(sorted, " ")
end

-- For a fresh process: prints the names of the functions that `workflow` has now.
local PRINT_NAMES = [[
  local names = {}
  for name, value in next, guestlua.workflow do names[#names + 1] = type(value) == "function" and name or nil end
  table.sort(names)
  print(table.concat(names, " "))]]

describe("Workflows that are not loaded yet", function()
  it("are none at the start, and each module makes those that the list says", function()
    assert.is_true(#all >= 16)
    assert.equal("", fresh(PRINT_NAMES))
    for module, names in pairs(modules) do
      local others = {} -- a module may need another one
      for name in fresh("require(%q)" .. PRINT_NAMES, module:find("^guestlua%.") and module or "guestlua.workflow." .. module):gmatch("%S+") do
        others[name] = true
      end
      for _, name in ipairs(names) do
        assert.is_true(others[name], module .. " makes no " .. name)
      end
    end
    assert.equal(joined(all), fresh("for name in (%q):gmatch('%%S+') do assert(guestlua.workflow[name], name) end" .. PRINT_NAMES, joined(all)))
    assert.equal(joined(all), fresh("for _ in pairs(guestlua.workflow) do end" .. PRINT_NAMES))
  end)

  it("are in the reference and in the types", function()
    for path, pattern in pairs({
      ["doc/reference/workflow.md"] = "\n## workflow%.([%w_]+)%(",
      ["packaging/types/guestlua.lua"] = "\nfunction workflow%.([%w_]+)%(",
    }) do
      local file <close> = assert(io.open(path))
      local found = {}
      for name in file:read("a"):gmatch(pattern) do
        found[#found + 1] = name
      end
      assert.equal(joined(all), joined(found), path)
    end
  end)

  it("are found by help, by name, by word and by value, whatever was asked before", function()
    assert.matches("^workflow%.live_migrate%(", fresh([[print(require("guestlua.prompt.pages").text("live_migrate"))]]))
    local text = fresh([[
      local help = require("guestlua.prompt.pages")
      help.text("launch")
      for name in (%q):gmatch("%%S+") do
        print(help.text("workflow." .. name))
        print(help.text(guestlua.workflow[name]))
      end]], joined(all))
    for _, name in ipairs(all) do
      local _, count = text:gsub("%f[^\n%z]workflow%." .. name .. "%(", "")
      assert.equal(2, count, name)
    end
    assert.matches("workflow%.live_migrate: ", fresh([[print(require("guestlua.prompt.pages").text("guest another host moves"))]]))
    assert.matches("^workflow\n.*snapshot_then_commit", fresh([[print(require("guestlua.prompt.pages").text(guestlua.workflow))]]))
  end)

  it("are completed, and so are their options", function()
    assert.equal(joined(all), fresh([[print(table.concat(require("guestlua.prompt.complete")("guestlua.workflow.", 19), " "))]]))
    assert.matches("%f[%w]force%f[%W]",
      fresh([[local line = "guestlua.workflow.clean_shutdown(guest, { "
        print(table.concat(require("guestlua.prompt.complete")(line, #line + 1), " "))]]))
  end)

  it("are known to --check", function()
    local path = os.tmpname()
    finally(function() os.remove(path) end)
    local function checked(source)
      local file <close> = assert(io.open(path, "w"))
      file:write(source)
      file:close()
      local code, out, err = helper.guestlua("--check " .. path)
      assert.equal("", out)
      return { code, (err:gsub("[^\n]-:(%d+: )", "%1")) }
    end
    local right, wrong, problems = {}, {}, {}
    for i, name in ipairs(all) do
      right[i] = ("guestlua.workflow.%s(1)"):format(name)
      wrong[i] = ("guestlua.workflow.%sz(1)"):format(name)
      problems[i] = ("%d: guestlua.workflow has no function '%sz'; '%s'?\n"):format(i, name, name)
    end
    assert.same({ 0, "" }, checked(table.concat(right, "\n")))
    assert.same({ 1, table.concat(problems) }, checked(table.concat(wrong, "\n")))
    assert.same({ 1, "1: guestlua.workflow has no function 'rebot'; 'reboot'?\n" }, checked("local w = guestlua.workflow w.rebot(1)"))
    assert.same({ 1, "1: reboot has no option 'tiemout'; 'timeout'?\n" }, checked("guestlua.workflow.reboot(guest, { tiemout = 3 })"))
  end)
end)
