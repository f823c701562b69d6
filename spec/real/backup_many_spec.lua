-- Three guests that write all the time are saved at once, three times: what each has in its backups is what it knew it had.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local workflow = guestlua.workflow

-- Writes files whose names are their checksums, eight at a time, until the guest ends.
local WRITER = [[
mkdir -p /data/sums
cat >/tmp/writer <<'END'
i=0
while :; do
  i=$((i + 1))
  head -c 40000 /dev/urandom >/data/new
  sum=$(sha256sum </data/new | cut -c 1-64)
  rm -f /data/sums/$((i % 8))-*
  mv /data/new /data/sums/$((i % 8))-$sum
  sync
  echo $i >/tmp/count.new && mv /tmp/count.new /tmp/count
  sleep 0.1
done
END
sh /tmp/writer >/dev/null 2>&1 </dev/null &
]]

-- How many files are what their names say; it fails if one is not.
local READER = [[
cd /data/sums
for file in *; do
  [ "$(sha256sum <"$file" | cut -c 1-64)" = "${file#*-}" ] || { echo "$file is damaged" >&2; exit 1; }
done
ls | wc -l
]]

describe("Three guests that write", function()
  helper.leaves_nothing()

  local function await_writes(machine)
    local function count()
      return tonumber(machine:sh("cat /tmp/count 2>/dev/null || echo 0"))
    end
    local before = count()
    helper.await(function() return count() > before end, machine.name .. " does not write")
  end

  it("are saved at once, and each boots with all that it had written", function()
    if not core.nbd_copy or core.user() ~= 0 then
      pending("this needs libnbd, and root")
      return
    end
    local one <close> = tiny.boot()
    local two <close> = tiny.boot()
    local three <close> = tiny.boot()
    local machines, to = { one, two, three }, helper.scratch()
    for _, machine in ipairs(machines) do
      machine:sh(WRITER)
    end
    for round = 1, 3 do
      for _, machine in ipairs(machines) do
        await_writes(machine)
      end
      local results = guestlua.map(machines, function(machine)
        return workflow.backup(machine.guest, { to = to })
      end, { limit = 3 })
      for i, result in ipairs(results) do
        assert.same({ round == 1 and "full" or "incremental", "frozen" }, { result.level_used, result.consistency }, machines[i].name)
      end
    end
    for _, machine in ipairs(machines) do
      await_writes(machine) -- the backups have not stopped it
      machine.guest:pause()
    end
    for _, machine in ipairs(machines) do
      local directory = to .. "/" .. machine.name
      assert.equal(3, #workflow.verify(directory, { all = true }))
      local seen = workflow.verify(directory, { boot = true, command = { "sh", "-c", READER } })[1].boot
      assert.is_true(tonumber(seen.output) >= 1, seen.errors)
      for _, name in ipairs(machine.guest:get_checkpoint_names()) do
        machine.guest:delete_checkpoint(name)
      end
    end
  end)
end)
