-- Somebody else at work on a real guest: virsh commands of others, at a chosen moment of a workflow, and checks of the result.
--
--   local others = foreign.new(machine)
--   others:reset()                           an intact guest, and files that it has written
--   local how = others:during("copy:after", "abort", fn)     runs fn; the act is done before or after the n-th call of that name
--       how.code: virsh's exit code, nil: the moment did not come; how.ok, how.result or how.error: fn's result
--   others:check(how)                        raises if anything is wrong

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local with_moment = require("spec.support.moment")
local recover = require("guestlua.workflow.recover")

local foreign = {}

local quoted = helper.quoted

local Others = {}
Others.__index = Others

function foreign.new(machine)
  return setmetatable({ machine = machine, number = 0 }, Others)
end

-- The file that a run of this number makes, if it is named.
function Others:copy()
  return ("%s/copy-%d"):format(self.machine.dir, self.number)
end

-- ---- acts of others ----

-- Each is a shell command; virsh is the machine's. The file foreign-N is theirs.
foreign.ACTS = {
  snapshot = "virsh snapshot-create-as tiny --disk-only --no-metadata --diskspec vda,snapshot=external,file=$D/foreign-$N",
  metadata = "virsh snapshot-create-as tiny theirs --disk-only --diskspec vda,snapshot=external,file=$D/foreign-$N",
  internal = "virsh snapshot-create-as tiny theirs",
  pivot = "virsh blockjob tiny vda --pivot",
  abort = "virsh blockjob tiny vda --abort",
  detach = "virsh detach-disk tiny vda --live",
  destroy = "virsh destroy tiny",
  restart = "virsh destroy tiny && virsh start tiny",
  undefine = "virsh undefine tiny --snapshots-metadata --managed-save",
  gone = "virsh destroy tiny && virsh undefine tiny --snapshots-metadata --managed-save",
  rename = "virsh destroy tiny && virsh domrename tiny theirs",
  blockresize = "virsh blockresize tiny vda $((128 + 4 * N))M",
  suspend = "virsh suspend tiny",
  resume = "virsh resume tiny",
  reset = "virsh reset tiny",
}

-- Runs an act: its exit code, and its output.
function Others:act(command)
  local m = self.machine
  local script = ("virsh() { timeout -k 5 20 virsh -q -c %s \"$@\"; }; D=%s; N=%d; %s"):format(quoted(m.uri), quoted(m.dir), self.number,
    (command:gsub("tiny", m.name)))
  local code, out, err = helper.run("bash -c " .. quoted(script))
  return code, out .. err
end

-- ---- what is done, and when ----

-- act: may also be a function. moment: may also be "during", which fn does itself by the function that it gets.
function Others:during(moment, act, fn)
  self.number = self.number + 1
  local how = { act = act, moment = moment, before = self:files(), was = self.machine:chain() }
  local function at()
    if not how.code then
      if type(act) == "function" then
        act()
        how.code = 0
      else
        how.code, how.said = self:act(foreign.ACTS[act] or act)
      end
    end
  end
  local ok, result
  if moment == "during" then
    ok, result = pcall(fn, at)
  else
    ok, result = with_moment(moment, at, function() return fn(function() end) end)
  end
  how.ok, how.result, how.error = ok, ok and result or nil, not ok and result or nil
  return how
end

-- ---- the guest ----

function Others:files()
  local set = {}
  for _, name in ipairs(core.list_directory(self.machine.dir)) do
    set[self.machine.dir .. "/" .. name] = true
  end
  return set
end

local function pull(machine)
  local disk = machine.guest:get_block_device("vda")
  disk:rebase()
  assert(disk:await_job({ timeout = 60 }) == "completed")
end

-- Repairs the guest if that is fast: takes back the leftovers of a spec. Raises if it cannot.
local function repair(self)
  local m = self.machine
  local guest = m.guest
  if #recover.list() > 0 then
    assert(#m:chain() > 1)
    pull(m)
    guestlua.recover(m.host)
  end
  assert(#recover.list() == 0 and self:state_of_freeze() == "thawed" and guest:get_info().domain_state == "running")
  assert(guest:get_block_device("vda"):get_job_info() == nil and not guest:get_disk("vdb"))
  if not guest:has_persistent_configuration() then
    m.host:write_instance_config(guest:get_xml_desc({ dump_sensitive = true })):close()
  end
  if #m:chain() > 1 then
    pull(m)
  end
  local names = guest:get_snapshot_names()
  assert(#names == 0 or self:act("virsh snapshot-delete tiny theirs --metadata") == 0)
end

-- A guest with a file on its disk that must never be lost. It is a new one unless the last can be repaired.
function Others:reset()
  local m = self.machine
  if not self.whole or not pcall(repair, self) then
    for _, row in ipairs(recover.list()) do
      require("guestlua.base.journal").forget(row.id)
    end
    m:reset()
    if not self.keeps then
      m:sh("dd if=/dev/urandom of=/data/kept bs=64k count=8 2>/dev/null; sync; sha256sum </data/kept >/tmp/kept")
      self.keeps = self.sum ~= nil -- who needs a second one needs more
      self.sum = m:sh("cut -c 1-64 /tmp/kept")
      if self.keeps then
        m:keep()
      end
    end
  end
  self.whole = true
end

function Others:state_of_freeze()
  return self.machine.guest:agent_command('{"execute":"guest-fsfreeze-status"}'):match("frozen") and "frozen" or "thawed"
end

local function fail(how, text, ...)
  local e = how.error
  error(("%s at %s (code %s %s): %s\n  said: %s %s, outcome: %s"):format(how.act, how.moment, how.code, how.said, text:format(...),
    e and e.kind or "ok", e and e.message or "", e and tostring(e.outcome) or ""), 0)
end
foreign.fail = fail

-- ---- checks ----

-- The images that an element's <disk>s name.
local function add_named(set, xml)
  local function visit(element, inside)
    inside = inside or element:tag() == "disk"
    local file = inside and element:attribute("file")
    if file then
      set[file] = true
    end
    for _, child in ipairs(element:children()) do
      if child:tag() ~= "metadata" then
        visit(child, inside)
      end
    end
  end
  visit(core.element(xml))
end

-- Every file that any guest of the host names, live, in its configuration, or in a snapshot.
function Others:named()
  local set = {}
  for _, guest in ipairs(self.machine.host:guests()) do
    local one <close> = guest
    add_named(set, one:get_xml_desc())
    add_named(set, one:get_xml_desc({ dump_inactive = true }))
    for _, xml in ipairs(one:get_snapshot_descriptions()) do
      add_named(set, xml)
    end
  end
  return set
end

local function exists(path)
  local file <close> = io.open(path)
  return file ~= nil
end

-- The backing images of an image, all of which must exist and be sound.
local function check_image(how, path)
  local code, _, err = helper.run(("qemu-img info -U --backing-chain %s"):format(quoted(path)))
  if code ~= 0 then
    fail(how, "the chain of %s is broken: %s", path, err)
  end
end

-- The guest's file on its disk, read from outside of the guest.
local function sum_on_disk(self, path)
  local raw = self.machine.dir .. "/.raw"
  local code, out, err = helper.run(("bash -c " .. quoted(
    "qemu-img convert -U -O raw %s %s && debugfs -R 'cat /kept' %s 2>/dev/null | sha256sum | cut -c 1-64; rm -f %s")):format(path, raw, raw, raw))
  assert(code == 0, err)
  return (out:gsub("\n", ""))
end

-- { live, inactive }: the chains of the guest's disk; live: nil if it does not run.
local function chains(guest)
  local function images(options)
    for _, disk in ipairs(core.element(guest:get_xml_desc(options)).devices:children("disk")) do
      if disk.target.dev == "vda" then
        return require("guestlua.workflow.situation").images_of(disk)
      end
    end
  end
  return guest:is_active() and images() or nil, images({ dump_inactive = true })
end

local function said(how)
  local e = how.error or how.result or {}
  local parts = { how.error and tostring(e.outcome) or "", how.error and e.message or "" }
  for _, one in ipairs(e.left or {}) do
    parts[#parts + 1] = one.path
  end
  for _, other in ipairs(e.undoing or {}) do
    parts[#parts + 1] = tostring(other.message)
  end
  return table.concat(parts, "\n")
end

local function has(list, name)
  for _, one in ipairs(list or {}) do
    if one == name then
      return true
    end
  end
  return false
end

-- Files that stay must be in a chain, or named; files of others must stay.
local function check_files(self, how, named, options)
  local text = said(how)
  local finished = how.ok or text:find("^finished")
  for path in pairs(self:files()) do
    local new = not how.before[path] and not path:find("/foreign", 1, true) and not path:find("%.log$")
    if new and not named[path] and path ~= options.result and not text:find(path, 1, true) then
      fail(how, "%s is left, and nobody says so", path)
    end
  end
  for path in pairs(how.before) do
    if not exists(path) and not (finished and path == options.removed) then
      fail(how, "%s is gone, which was there before", path)
    end
  end
end

local function check_running(self, how)
  local m = self.machine
  local info = m.guest:get_info().domain_state
  if how.act ~= "suspend" and info ~= "running" then
    fail(how, "the guest is '%s'", info)
  end
  if how.act == "restart" or how.act == "reset" or how.boots or info ~= "running" then
    return
  end
  local ok, state = pcall(self.state_of_freeze, self)
  if not ok or state ~= "thawed" then
    fail(how, "the guest is frozen, or does not answer: %s", tostring(state))
  elseif how.act ~= "detach" then
    local good, sum = pcall(m.sh, m, "echo 3 >/proc/sys/vm/drop_caches; sha256sum </data/kept | cut -c 1-64; echo x >/data/x && sync")
    if not good or sum ~= self.sum then
      fail(how, "the guest's file is damaged: %s", tostring(sum))
    end
  end
  local job = how.act ~= "detach" and m.guest:get_block_device("vda"):get_job_info()
  if job then
    fail(how, "the disk has a job")
  end
end

-- options.result: a file that must exist after a success; options.removed: one that need not; options.theirs: the act is a snapshot that has to be in
-- the chain.
function Others:check(how, options)
  options = options or {}
  local m, theirs = self.machine, ("%s/foreign-%d"):format(self.machine.dir, self.number)
  for _, row in ipairs(recover.list()) do
    if row.state == "alive" then
      fail(how, "the run is over, and its entry of the journal alive")
    end
  end
  local named = self:named()
  for path in pairs(named) do
    if not exists(path) then
      fail(how, "%s is gone, and a guest, or a snapshot of it, names it", path)
    end
  end
  check_files(self, how, named, options)
  local guest <close> = m.host:guest(m.guest.uuid)
  if not guest then
    return how
  end
  local live, inactive = chains(guest)
  how.live, how.inactive = live, inactive
  local top = live and live[1] or inactive and inactive[1]
  if top then
    check_image(how, top)
  end
  if (how.act == "snapshot" or how.act == "metadata") and how.code == 0 and not has(live or inactive, theirs) then
    fail(how, "their snapshot is not in the chain: %s", table.concat(live or inactive or {}, " <- "))
  end
  if how.act == "internal" and how.code == 0 and #guest:get_snapshot_names() == 0 then
    fail(how, "their snapshot is gone")
  end
  if not live then
    local sum = inactive and sum_on_disk(self, inactive[1])
    if sum ~= self.sum then
      fail(how, "the image that it starts with lacks what the guest wrote: %s", tostring(sum))
    end
  else
    local mark = guest:get_xml_desc():match("<guestlua:run[^>]*>")
    if mark and #recover.list() == 0 then
      fail(how, "the mark of a run that is over: %s", mark)
    end
    check_running(self, how)
  end
  return how
end

-- The report must agree with the findings.
function Others:check_outcome(how)
  local outcome, copy = how.error and tostring(how.error.outcome) or "", self:copy()
  local images, was = table.concat(how.live or how.inactive or {}, " <- "), table.concat(how.was, " <- ")
  local function says(text)
    return outcome:find(text, 1, true) ~= nil
  end
  if says("undone: the disks have the images they had") and images ~= was then
    fail(how, "said undone, and the images are %s", images)
  elseif says("undone: the guest has the volume that it had") and images ~= was then
    fail(how, "said undone, and the images are %s", images)
  elseif says("undone: there is no copy") and exists(copy) then
    fail(how, "said that there is no copy, and there is")
  elseif says("finished: the guest has moved") and not images:find(copy, 1, true) then
    fail(how, "said finished, and the images are %s", images)
  elseif says("the snapshot was taken") and not images:find(copy, 1, true) then
    fail(how, "said taken, and the images are %s", images)
  elseif says("the snapshot was not taken") and images:find(copy, 1, true) then
    fail(how, "said not taken, and the images are %s", images)
  elseif how.live and says("with the disks that it had") and not images:find(was, 1, true) then
    fail(how, "said with the disks that it had, and the images are %s", images)
  elseif how.live and says("finished: the guest is as it was at the snapshot") and not images:find(".guestlua-", 1, true) then
    fail(how, "said finished, and the images are %s", images)
  elseif how.live and says("finished: the snapshots are deleted") and images:find(copy, 1, true) then
    fail(how, "said deleted, and the images are %s", images)
  end
end

return foreign
