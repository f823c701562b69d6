-- The units for systemd: right for systemd itself, and their commands for guestlua.

local helper = require("spec.support.helper")

describe("The units for systemd", function()
  local directory, program
  lazy_setup(function()
    directory = helper.scratch()
    program = helper.sh("realpath %s", helper.interpreter):gsub("\n", "")
  end)

  local function text_of(name)
    local file <close> = assert(io.open("packaging/systemd/" .. name))
    return (file:read("a"):gsub("/usr/bin/guestlua", program))
  end

  -- Its commands, with these values instead of those in its Environment=.
  local function commands(name, values)
    local text, list = text_of(name), {}
    local environment = {}
    for line in text:gmatch("\nEnvironment=([^\n]*)") do
      for key, value in line:gmatch("([%w_]+)=(%S*)") do
        environment[key] = value
      end
    end
    for command in text:gmatch("\nExecStart%w*=%-?([^\n]*)") do
      list[#list + 1] = command:gsub("%${([%w_]+)}", function(key)
        return helper.quoted(values[key] or assert(environment[key], key))
      end)
    end
    return list
  end

  it("pass systemd-analyze", function()
    if not os.execute("command -v systemd-analyze >/dev/null") then
      return pending("no systemd-analyze: install the package systemd")
    end
    local paths = {}
    for name in helper.sh("ls packaging/systemd"):gmatch("%S+") do
      paths[#paths + 1] = directory .. "/" .. name
      local file <close> = assert(io.open(paths[#paths], "w"))
      file:write(text_of(name))
    end
    assert.is_true(#paths >= 4)
    local function verify()
      return helper.run("systemd-analyze verify --man=no " .. table.concat(paths, " "))
    end
    local code, out, err = verify()
    assert.same({ 0, "", "" }, { code, out, err })
    helper.sh("sed -i s/^Nice=/Nicer=/ %s/guestlua-backup.service", directory) -- what is wrong it says, and exits with 0
    assert.matches("Unknown key", select(3, verify()))
  end)

  it("run commands that guestlua understands", function()
    local path = directory .. "/guestlua.prom"
    local list = commands("guestlua-metrics.service", { GUESTLUA_URI = "test:///default", GUESTLUA_FILE = path })
    assert.equal(1, #list)
    local code, out, err = helper.run(list[1])
    assert.same({ 0, "", "" }, { code, out, err })
    local file <close> = assert(io.open(path))
    assert.matches("\nlibvirt_up{", file:read("a"))
    list = commands("guestlua-backup.service", { GUESTLUA_URI = "test:///nonexistent.xml", GUESTLUA_BACKUPS = directory })
    assert.equal(2, #list)
    for _, command in ipairs(list) do -- 2 would be wrong usage
      assert.equal(1, (helper.run(command)), command)
    end
  end)

  it("take a run that had to stop for one that did not fail", function()
    for _, name in ipairs({ "guestlua-backup.service", "guestlua-metrics.service" }) do
      assert.matches("\nSuccessExitStatus=143\n", text_of(name))
    end
    assert.equal(143, (helper.run(("timeout --preserve-status -s TERM 1 %s -e 'guestlua.sleep(60)'"):format(helper.interpreter))))
  end)
end)
