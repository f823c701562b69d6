-- The state of an emulated TPM in backups, restores and clones: what the guest has put into it comes back, and nobody else's is written to.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local sh = helper.sh
local workflow = guestlua.workflow

-- The tiny guest's kernel as it is packed: the unpacked one is started before the firmware has made the tables that name a TPM.
local PREPARE = [[
  cd %s
  for program in swtpm swtpm_setup; do
    command -v $program >/dev/null || { echo "there is no $program: install the packages swtpm and swtpm-tools"; exit; }
  done
  release=$(grep -aom1 'Linux version [0-9][^ ]*' vmlinuz | sed 's/.* //')
  [ -r "/boot/vmlinuz-$release" ] || { echo "there is no kernel that firmware can start"; exit; }
  grep -q '^CONFIG_TCG_TIS=y' "/boot/config-$release" || { echo "the kernel has no driver for a TPM"; exit; }
  rm vmlinuz
  cp "/boot/vmlinuz-$release" vmlinuz
  chmod 644 vmlinuz
]]

-- Commands of a TPM 2.0 for eight bytes that outlive a reset, which everybody may read and write.
local SESSION = "00 00 00 09 40 00 00 09 00 00 00 00 00"
local DEFINE = "80 02 00 00 00 2d 00 00 01 2a 40 00 00 01 " .. SESSION .. " 00 00 00 0e 01 50 00 01 00 0b 02 06 00 06 00 00 00 08"
local WRITE = "80 02 00 00 00 2b 00 00 01 37 01 50 00 01 01 50 00 01 " .. SESSION .. " 00 08 %s 00 00"
local READ = "80 02 00 00 00 23 00 00 01 4e 01 50 00 01 01 50 00 01 " .. SESSION .. " 00 08 00 00"

-- A command for the guest's shell, whose output is the TPM's answer in hexadecimal digits.
local function ask(bytes)
  return ([[exec 3<>/dev/tpm0; printf '%s' >&3; dd bs=4096 count=1 <&3 2>/dev/null | hexdump -v -e '1/1 "%%02x"']]):format(
    (bytes:gsub("%s*(%x%x)", "\\x%1")))
end

describe("The state of a TPM", function()
  local machine, reason

  helper.leaves_nothing()

  local function it_(name, fn)
    it(name, function()
      if not core.nbd_copy then
        return pending("this was built without libnbd")
      end
      return reason and pending(reason) or fn()
    end)
  end

  lazy_setup(function()
    local ok, e = pcall(function()
      machine = tiny.boot({
        prepare = function(one)
          local said = sh(PREPARE, one.dir)
          if said ~= "" then
            reason = said:gsub("%s+$", "")
            error({}, 0)
          end
        end,
        edit = function(domain)
          domain.devices:append(guestlua.element("<tpm model='tpm-tis'><backend type='emulator' version='2.0'/></tpm>"))
          domain.memory = { "192", unit = "MiB" }
        end,
      })
    end)
    assert(ok or reason, e)
  end)

  lazy_teardown(function()
    if machine then
      pcall(machine.guest.poweroff, machine.guest)
      machine.guest:delete_configuration({ checkpoints_metadata = true })
      getmetatable(machine).__close(machine)
    end
  end)

  local function write(word)
    local answer = machine:sh(ask(WRITE:format(word:gsub(".", function(c) return ("%02x "):format(c:byte()) end))))
    assert.equal("00000000", answer:sub(13, 20), answer)
  end

  -- What a guest's answer to READ has.
  local function word_of(answer)
    assert.equal("00000000", answer:sub(13, 20), answer)
    return (answer:sub(33, 48):gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end))
  end

  local function read_state(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read("a")
  end

  local function state_of(uuid)
    return ("%s/lib/swtpm/%s/tpm2/tpm2-00.permall"):format(machine.dir:match("^(.*)/"), uuid)
  end

  it_("is in the backup of a running guest, which boots with it", function()
    assert.equal("00000000", machine:sh(ask(DEFINE)):sub(13, 20))
    write("is first")
    local made = workflow.backup(machine.guest, { to = machine.dir .. "/to" })
    assert.same({}, made.left_out)
    write("is later")
    local seen = workflow.verify(made.directory, { boot = true, command = { "/bin/sh", "-c", ask(READ) } })[1].boot
    assert.equal("is first", word_of(seen.output))
    -- beside encrypted images it is in the clear
    local passphrase = { to = machine.dir .. "/secret", encrypt = function() return "passphrase" end, unlock_time = 10 }
    local hidden = workflow.backup(machine.guest, passphrase)
    assert.equal("tpm", hidden.left_out[1].target)
    assert.matches("plain=true saves it", hidden.left_out[1].why, 1, true)
    assert.is_nil(core.identify(("%s/%s.tpm"):format(hidden.directory, hidden.id)))
    passphrase.plain = true
    assert.same({}, workflow.backup(machine.guest, passphrase).left_out)
    -- one that it is missing in begins with an empty one
    local empty = workflow.restore(machine.host, { from = hidden.directory, at = hidden.id, name = "other", to = machine.dir,
      encrypt = passphrase.encrypt })
    assert.same({ "tpm" }, empty.dropped)
    do
      local guest <close> = machine.host:guest("other")
      guest:delete_configuration()
    end
    os.remove(empty.files[1].path)
    -- another guest gets it as its own, and takes it along when it goes
    local other = workflow.restore(machine.host, { from = made.directory, name = "other", to = machine.dir })
    assert.is_nil(other.dropped)
    local saved = read_state(("%s/%s.tpm"):format(made.directory, made.id))
    assert.equal(saved, read_state(state_of(other.uuid)))
    local guest <close> = machine.host:guest("other")
    guest:launch({ pause = true }) -- libvirt gives it to swtpm's user
    guest:poweroff()
    guest:delete_configuration()
    os.remove(other.files[1].path)
    assert.is_nil(core.identify(state_of(other.uuid)))
    assert.equal("is later", word_of(machine:sh(ask(READ))))
  end)

  it_("is not left if the restore fails, and none is written over", function()
    local made = workflow.backup(machine.guest, { to = machine.dir .. "/to" })
    local before = core.list_directory(state_of(""):match("^(.-)//"))
    sh("echo x >>%s/%s.tpm", made.directory, made.id)
    local function back(options)
      options.from = made.directory
      return workflow.restore(machine.host, options)
    end
    assert.equal("checksum_error", helper.failure(back, { name = "other", to = machine.dir }).kind)
    sh("truncate -s -2 %s/%s.tpm", made.directory, made.id)
    local sync = core.sync_file
    finally(function() core.sync_file = sync end)
    local there = {}
    function core.sync_file(path)
      there[#there + 1] = path:match("/lib/swtpm/.*/(.*)$")
      if there[1] then
        error("no", 0)
      end
    end
    local e = helper.failure(back, { name = "other", to = machine.dir })
    assert.matches("no guest was made$", e.outcome)
    assert.same({ "tpm2-00.permall" }, there)
    assert.same(before, core.list_directory(state_of(""):match("^(.-)//")))
  end)

  it_("is the clone's too, and that of a guest that is off in its backup; it comes back with the guest", function()
    write("is thick")
    machine.guest:poweroff()
    local uuid = machine.guest.uuid
    local made = workflow.backup(machine.guest, { to = machine.dir .. "/to" })
    assert.same({}, made.left_out)
    local saved = read_state(state_of(uuid))
    local clone = workflow.clone(machine.guest, { name = "clone" })
    assert.equal(saved, read_state(state_of(clone.uuid)))
    local twin <close> = machine.host:guest("clone")
    twin:delete_configuration()
    os.remove(clone.files[1].path)
    -- its state is still there: it is another's for all that can be known
    machine.guest:delete_configuration({ checkpoints_metadata = true, support_uefi = true, keep_vtpm = true })
    machine.guest:close()
    local back = { from = made.directory, disks = { vda = machine.dir .. "/back.qcow2" } }
    local e = helper.failure(workflow.restore, machine.host, back)
    assert.equal("operation_invalid", e.kind)
    assert.matches(uuid .. "/tpm2 already", e.message, 1, true)
    sh("rm -r %s", state_of(uuid):match("^(.*)/tpm2/"))
    workflow.restore(machine.host, back)
    machine.guest = machine.host:guest(machine.name)
    machine.guest:launch()
    guestlua.await_agent(machine.guest, { timeout = tiny.TIMEOUT })
    assert.equal("is thick", word_of(machine:sh(ask(READ))))
  end)
end)
