-- The examples of lua/guestlua/prompt/lines.lua that only a guest on QEMU answers; in spec/project/lines_spec.lua they run in a dry run.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local virsh = require("spec.support.virsh")

local OVERLAY = "guest:snapshot('<domainsnapshot><name>external</name></domainsnapshot>', { disk_only = true })"
local MONDAY = "guest:create_checkpoint('<domaincheckpoint><name>monday</name></domaincheckpoint>')"

-- What is done before an example that has this.
local BEFORE = {
  ["block_commit%("] = OVERLAY, ["block_rebase%("] = OVERLAY, monday = MONDAY, ["checkpoint:"] = MONDAY,
  ["read_file"] = "guest:exec('/bin/sh', { args = { '-c', 'echo NAME=tiny >/etc/os-release' } })",
}

-- What libvirt refuses here: there is no job and no migration, the guest does not sleep, has no balloon and no display, its disk is qcow2, and no
-- container has it; the other host is this one.
local REFUSED = {
  "abort_job", "block_job_abort", "migrate_start_postcopy", "migrate_to", "pm_wakeup", "set_memory_stats_period", "open_graphics", "open_graphics_fd",
  "block_peek", "create_with_files", "create_xml_with_files",
}

-- The console's dialogue, and the channel's, need somebody on the other side: spec/real/console_spec.lua.
local SECTIONS = { "Calls that a guest on QEMU answers", "What the guest's agent, memory and monitor answer", "Checkpoints, backups, migration" }

local function is_refused(text)
  for _, name in ipairs(REFUSED) do
    if text:find(name .. "[({]") then
      return true
    end
  end
end

describe("On a real guest run the examples:", function()
  it("each section of them is there, and each exception is one", function()
    local titles, texts = {}, {}
    for _, section in ipairs(require("guestlua.prompt.lines")) do
      titles[section[1]] = true
      texts[#texts + 1] = table.concat(section, "\n", 3)
    end
    for _, title in ipairs(SECTIONS) do
      assert.is_true(titles[title], title)
    end
    local all = table.concat(texts, "\n")
    for pattern in pairs(BEFORE) do
      assert.matches(pattern, all)
    end
    for _, name in ipairs(REFUSED) do
      assert.matches(name .. "[({]", all)
    end
  end)

  local machine, it_ = faults.machine()

  local function run(section, text)
    machine:renew()
    assert.equal(0, (helper.run(("sh -c 'cd %s && truncate -s 1M data.raw tools.raw'"):format(machine.dir))))
    local replace = {
      { '"web1"', ("%q"):format(machine.guest.name) }, { "/images/", machine.dir .. "/" }, { "/backup/", machine.dir .. "/" },
      { "/var/tmp/setup", machine.dir .. "/data.raw" }, { "/var/tmp/", machine.dir .. "/" },
    }
    local values = { xml = "<disk type='file' device='disk'><source file='" .. machine.dir .. "/data.raw'/><target dev='vdb'/></disk>",
      socket = io.tmpfile(), print = function() end }
    for pattern, before in pairs(BEFORE) do
      if text:find(pattern) then
        virsh.run({ preamble = section[2] }, before, machine.host, replace, values)
      end
    end
    return pcall(guestlua.timeout, 60, virsh.run, { preamble = section[2] }, text, machine.host, replace, values)
  end

  for _, section in ipairs(require("guestlua.prompt.lines")) do
    for i = 3, #section do
      for _, title in ipairs(SECTIONS) do
        if section[1] == title then
          it_(section[i]:match("[^\n]+"), function()
            local ok, e = run(section, section[i])
            if is_refused(section[i]) then
              return assert.is_true(not ok and type(e) == "table" and e.call ~= nil, tostring(e)) -- it came as far as libvirt
            end
            local is_over = section[i]:find("backup_get_xml_desc") and not ok and e.kind == "no_domain_backup" -- of so little it may be, by then
            assert.is_true(ok or is_over, tostring(e))
          end)
        end
      end
    end
  end
end)
