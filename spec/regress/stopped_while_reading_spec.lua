-- A script that was told to stop (Ctrl-C, SIGTERM, a cancellation) while it decoded a manifest took that for a damaged backup, and went on: verify
-- called a whole backup damaged, prune removed nothing, and the signal was lost, as it is raised once. So it was with entries of the journal.

local core = require("guestlua.core")
local dkjson = require("dkjson")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local journal = require("guestlua.base.journal")
local stores = require("guestlua.backup.store")

local ID = "20260101-000000-00000001"

describe("What is told to stop while it reads", function()
  local decode, before = dkjson.decode, nil

  helper.leaves_nothing(function()
    before = guestlua.journal()
  end, function()
    dkjson.decode, package.loaded.dkjson, package.preload.dkjson = decode, dkjson, nil
    guestlua.journal({ dir = before })
  end)

  local function stop()
    error(core.Error.new({ kind = "interrupted", message = "told to stop" }), 0)
  end

  it("a manifest does not go on", function()
    local dir = helper.scratch()
    core.write_file(("%s/%s.json"):format(dir, ID), "{}")
    core.write_file(("%s/%s.gone"):format(dir, ID), "{}")
    local store = stores.at(dir)
    local _, problems = store:manifests()
    assert.same({ { id = ID, problem = "it is damaged" } }, problems)
    assert.is_nil(store:buried(ID))
    dkjson.decode = stop
    assert.equal("interrupted", helper.failure(store.manifests, store).kind)
    assert.equal("interrupted", helper.failure(store.buried, store, ID).kind)
    assert.equal("interrupted", helper.failure(guestlua.workflow.backups, dir).kind)
  end)

  it("the journal does not go on", function()
    local dir = helper.scratch()
    assert(os.execute("chmod 700 " .. dir))
    guestlua.journal({ dir = dir })
    core.write_file(("%s/%s.json"):format(dir, ID), "{")
    assert.same({ { id = ID, problem = "it is damaged" } }, journal.entries())
    dkjson.decode = stop
    assert.equal("interrupted", helper.failure(journal.entries).kind)
  end)

  it("the module for that does not call it missing", function()
    package.loaded.dkjson, package.preload.dkjson = nil, stop
    assert.equal("interrupted", helper.failure(require("guestlua.base.json"), "backup", "a spec").kind)
  end)
end)
