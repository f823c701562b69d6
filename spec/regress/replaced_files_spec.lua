-- A file that a workflow had made was known by its path when it was written to, and when it was said to be there.
--
--   Somebody put a file into the place of one that was made: a restore and a clone wrote over it.
--   live_snapshot, swap_volume and backup said that they were done, with a file that was not theirs: the guest's configuration named it.
--   Somebody defined the guest again while it was restored: its configuration was replaced.

local core = require("guestlua.core")
local faults = require("spec.support.faults")
local foreign = require("spec.support.foreign")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

describe("A file in the place of one that was made stays", function()
  local others, store
  local machine, it_ = faults.machine({
    started = function(machine)
      others = foreign.new(machine)
      store = machine.root .. "/store"
    end,
    each = function(machine)
      guestlua.journal({ dir = machine.root .. "/journal" })
      machine:reset()
      helper.sh("rm -rf %s; mkdir %s", store, store)
    end,
  })

  -- Runs fn, and puts a file in the place of the one called `name` at that moment. The file is still there, and the run has noticed.
  local function is_noticed(moment, name, fn)
    local how = others:during(moment, ("cd $D && ls %s && mv %s moved && echo precious > %s"):format(name, name, name), fn)
    assert.equal(0, how.code, how.said)
    assert.is_false(how.ok)
    assert.equal("conflict", how.error.kind)
    assert.equal("precious\n", helper.sh("cat %s/%s", machine.dir, name))
    assert.equal(1, #how.error.left)
    assert.same({}, guestlua.recover(machine.host))
    assert.equal("precious\n", helper.sh("cat %s/%s", machine.dir, name))
  end

  it_("by a live_snapshot", function()
    is_noticed("abort_job:before", "copy", function()
      return workflow.live_snapshot(machine.guest, "vda", machine.dir .. "/copy")
    end)
  end)

  it_("by a swap of volumes, which leaves the guest where it is", function()
    is_noticed("copy:after", "copy", function()
      return workflow.swap_volume(machine.guest, "vda",
        ("<disk type='file'><driver name='qemu' type='qcow2'/><source file='%s/copy'/></disk>"):format(machine.dir))
    end)
    assert.same({ machine.disk }, machine:chain())
  end)

  it_("by a clone", function()
    machine.guest:poweroff()
    is_noticed("make_image:after", "twin-vda.qcow2", function()
      return workflow.clone(machine.guest, { name = "twin" })
    end)
    assert.is_nil(machine.host:guest("twin"))
  end)

  it_("by a backup", function()
    local how = others:during("make_image:after", ("cd %s/tiny && for f in *.vda.qcow2; do mv $f moved; echo precious > $f; done"):format(store),
      function()
        return workflow.backup(machine.guest, { to = store })
      end)
    assert.equal(0, how.code, how.said)
    assert.is_false(how.ok)
    assert.equal("conflict", how.error.kind)
    assert.equal("precious\n", helper.sh("cat %s/tiny/*.vda.qcow2", store))
    assert.equal("", helper.sh("ls %s/tiny/*.json 2>/dev/null || true", store))
  end)

  it_("by a restore", function()
    workflow.backup(machine.guest, { to = store })
    is_noticed("make_image:after", "again-vda.qcow2", function()
      return workflow.restore(machine.host, { from = store .. "/tiny", name = "again", to = machine.dir })
    end)
    assert.is_nil(machine.host:guest("again"))
  end)

  it_("by a restore, and so does a guest that was defined meanwhile", function()
    workflow.backup(machine.guest, { to = store })
    local theirs = machine.guest:get_xml_desc({ dump_inactive = true }):gsub("</name>", "</name><description>precious</description>")
    machine.guest:poweroff()
    machine.guest:delete_configuration({ checkpoints_metadata = true })
    local make = core.make_image
    local e
    do
      local back <close> = setmetatable({}, { __close = function() core.make_image = make end }) -- luacheck: ignore back
      core.make_image = function(...)
        machine.host:write_instance_config(theirs):close()
        return make(...)
      end
      e = helper.failure(workflow.restore, machine.host, { from = store .. "/tiny", to = machine.dir })
    end
    assert.matches("the host has the guest 'tiny'", e.message)
    local guest <close> = machine.host:guest("tiny")
    assert.matches("precious", guest:get_xml_desc())
  end)
end)
