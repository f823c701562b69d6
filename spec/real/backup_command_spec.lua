-- guestlua backup, backups, verify, restore and prune, as an operator types them.

local core = require("guestlua.core")
local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local quoted = helper.quoted

describe("The command for backups", function()
  local to
  local machine, it_ = faults.machine({
    lacks = function()
      return not core.nbd_copy and "this was built without libnbd" or nil
    end,
    each = function(machine)
      machine:reset()
    end,
  })

  helper.leaves_nothing(function()
    if machine.uri then
      to = machine.root .. "/to"
      assert(os.execute("rm -rf " .. to .. " && mkdir " .. to))
    end
  end)

  -- Its exit code, what it printed, and what it complained of.
  local function command(text, ...)
    return helper.guestlua(("-c %s %s"):format(quoted(machine.uri), text:format(...)))
  end

  local function succeeds(text, ...)
    local code, out, err = command(text, ...)
    assert.equal(0, code, err)
    return out, err
  end

  it_("saves, lists, verifies, restores and removes", function()
    machine:sh("echo one >/data/word; sync")
    local out, err = succeeds("backup --to=%s --keep=full=1,increments=1 tiny", to)
    assert.matches("^tiny: full backup [%d-]+%x+ in " .. to .. "/tiny, frozen for %d%.%d%d s, ", out)
    assert.matches("\n  vda: full, %d+%.%d %a+ written: there is no backup yet\n", out)
    assert.matches("backup tiny", err) -- the progress
    local first = out:match("backup ([%d-]+%x+) in")
    machine:sh("echo two >/data/word; sync")
    out = succeeds("-q backup --to %s --keep full=1 --keep increments=1 --compress zstd --verify --json tiny", to)
    local json = require("dkjson").decode(out)
    assert.same({ "backup", "tiny", "incremental", "frozen" }, { json.workflow, json.guest, json.level_used, json.consistency })
    out = succeeds("backups %s", to)
    assert.matches("^tiny  [%x-]+  %S+Z  frozen  vda full %d+%.%d %aiB\ntiny  [%x-]+  %S+Z  frozen  vda incremental %d+%.%d %aiB\n$", out)
    assert.is_true(out:find(first, 1, true) < out:find(json.id, 1, true))
    assert.equal(out, (succeeds("backups %s/tiny", to)))
    out = succeeds("-q verify --all %s", to)
    assert.matches("/tiny/[%x-]+: %d+%.%d %aiB read, all of it is what was saved\n", out)
    assert.matches("/tiny/" .. first .. ": ", out, 1, true)
    assert.matches("/tiny/" .. json.id .. ": ", out, 1, true)
    out = succeeds("-q restore %s/tiny --name=back --to=%s --at=%s", to, machine.dir, first)
    assert.equal(("  vda: %s/back-vda.qcow2\n"):format(machine.dir), out:match("\n(.*)$"))
    local back <close> = machine.host:guest("back", { required = true })
    back:delete_configuration()
    os.remove(machine.dir .. "/back-vda.qcow2")
    out = succeeds("-q backup --to=%s --keep=full=1,increments=1 tiny", to) -- the rule asks for a new full one, and the old ones go
    assert.matches("there are 1 increments already", out, 1, true)
    assert.matches("\n  removed: " .. first .. "\n  removed: " .. json.id .. "\n", out, 1, true)
    assert.equal("", (succeeds("prune --keep=full=1 %s", to)))
  end)

  it_("says what fails, and by its exit code: 1 if something did, 2 if it was called wrongly", function()
    local code, out, err
    for _, wrong in ipairs({ "backup", "backup tiny", "backup --to=/x --level=some tiny", "backup --to=/x --jobs=-1 tiny",
      "backup --to=/x --what tiny",
      "backup --to=/x --verify=1 tiny", "backup --to=/x tiny tiny", "backup --to=/x --all tiny", "backup --to", "restore",
      "restore /a /b", "backups", "prune /x", "verify", "backups --json=1 /x" }) do
      code, out, err = command(wrong)
      assert.same({ 2, "" }, { code, out }, wrong)
      assert.matches("^guestlua %a+: .*\nTry 'guestlua %a+ %-%-help'%.\n$", err, wrong)
    end
    code, out, err = command("-q backup --to=%s none tiny", to)
    assert.equal(1, code)
    assert.matches("^tiny: full backup", out) -- one guest does not keep the other from it
    assert.matches("guestlua backup: none: ", err, 1, true)
    code, out = command("-q backup --to=%s --json none", to)
    assert.equal(1, code)
    assert.equal("no_domain", require("dkjson").decode(out).error.kind)
    code, out, err = command("-q backup --to=%s --keep=some=1 tiny", to)
    assert.same({ 2, "" }, { code, out })
    assert.matches("no such key 'some'", err)
    for wrong, what in pairs({ ["--keep=increments=2,daily=7"] = "either full and increments, or daily",
      ["--keep=full=1,full=2"] = "full is there twice",
      ["--freeze=no --freeze-timeout=5"] = "freezes nothing", ["--exclude=vda --disk=vda"] = "is in disks, too" }) do
      code, out, err = command("-q backup --to=%s/none %s tiny", to, wrong)
      assert.same({ 2, "" }, { code, out }, wrong)
      assert.matches(what, err, 1, true)
    end
    assert.is_nil(core.identify(to .. "/none"))
    code, out, err = command("restore %s/tiny --name=other --to=%s/none", to, to)
    assert.same({ 2, "" }, { code, out })
    assert.matches("'to' to 'restore' (a directory expected", err, 1, true)
    -- there are no backups there, and some near
    for _, directory in ipairs({ to .. "/none", to }) do
      code, out, err = command("-q restore --name=other --to=%s %s", machine.dir, directory)
      assert.same({ 1, "" }, { code, out })
      assert.matches(("there is no backup in %s\n  hint: there are some in %s/tiny\n"):format(directory, to), err, 1, true)
    end
    -- paths are those of the directory that the shell works in
    local guestlua_here = ("cd %s && %s -q -c %s "):format(to, quoted(core.absolute(helper.interpreter)), quoted(machine.uri))
    assert.equal("", helper.sh(guestlua_here .. "backup --to=here --level=full tiny >/dev/null && ls tiny | grep -v '^[0-9]' | grep -v target || :"))
    assert.matches("^tiny  ", helper.sh(guestlua_here .. "backups ./here"))
    assert.matches("all of it is what was saved", helper.sh(guestlua_here .. "verify here/tiny"))
    helper.sh("rm -r %s/here", to)
    assert.equal(1, (command("backups %s/none", to)))
    code, out, err = command("restore %s/tiny", to)
    assert.same({ 1, "" }, { code, out })
    assert.matches("has the guest 'tiny'", err)
    -- a block that rots
    assert(os.execute(("qemu-io -c 'write -q -P 99 0 512' $(ls %s/tiny/*.qcow2)"):format(to)))
    code, out, err = command("-q verify %s", to)
    assert.same({ 1, "" }, { code, out })
    assert.matches("is not what was saved: at byte 0 ", err)
    assert(os.execute(("echo x >$(ls %s/tiny/*.json)"):format(to)))
    code, out, err = command("backups %s", to)
    assert.same({ 1, "" }, { code, out })
    assert.matches("it is damaged", err)
  end)

  it_("that has to stop says how it has left the guest", function()
    machine:sh("dd if=/dev/urandom of=/data/big bs=64k count=80 2>/dev/null; sync")
    local out = helper.sh([[%s -q -c %s backup --to=%s --bandwidth=1 tiny 2>%s/err & pid=$!
      until ls %s/tiny/*.sums >/dev/null 2>&1 || ! kill -0 $pid; do sleep 0.05; done
      kill -TERM $pid; wait $pid || echo $?; cat %s/err]], helper.interpreter, quoted(machine.uri), to, machine.root, to, machine.root)
    assert.matches("^143\n.*guestlua backup: tiny: [^\n]*\n  outcome: undone: there is no such backup\n", out)
    assert.equal("target\n", helper.sh("ls %s/tiny", to))
    assert.same({}, machine.guest:get_checkpoint_names())
    assert.equal("", (succeeds("prune --keep=full=1 %s", to)))
  end)

  it_("saves nothing in a dry run", function()
    local out, err = succeeds("--dry-run backup --to=%s tiny", to)
    assert.matches("virDomainBackupBegin", out .. err)
    assert.equal("", io.popen("ls " .. to):read("a"))
    assert.same({}, machine.guest:get_checkpoint_names())
  end)

  it_("saves all guests of the host, several at a time, into directories of their own", function()
    local names = { "tiny" }
    local more = {}
    local undone <close> = setmetatable({}, { __close = function() -- luacheck: ignore undone
      for _, guest in ipairs(more) do
        pcall(guest.poweroff, guest)
        guest:delete_configuration({ checkpoints_metadata = true })
        guest:close()
      end
    end })
    for i = 1, 2 do
      local element = guestlua.element(machine.configuration)
      names[#names + 1] = "more" .. i
      element.name, element.uuid = names[#names], nil
      element.devices.disk.source.file = ("%s/more%d.qcow2"):format(machine.dir, i)
      assert(os.execute(("cp %s/disk.qcow2 %s/more%d.qcow2"):format(machine.kept, machine.dir, i)))
      more[i] = machine.host:write_instance_config(element)
    end
    more[1]:launch()
    succeeds("-q backup --to=%s --all --jobs=3", to)
    for _, name in ipairs(names) do
      local list = guestlua.workflow.backups(to .. "/" .. name)
      assert.equal(1, #list, name)
      assert.equal(name, list[1].guest.name)
      assert.equal(name == "more2" and "off" or list[1].consistency, list[1].consistency)
    end
    succeeds("-q verify %s", to)
  end)
end)
