local core = require("guestlua.core")
local helper = require("spec.support.helper")

local BLOCK = 64 * 1024

-- What a machine lacks for these specs; nil: nothing.
local function lacking()
  if not core.nbd_copy then
    return "this was built without libnbd"
  end
  return not os.execute("command -v qemu-nbd qemu-img qemu-io >/dev/null") and "no qemu-utils" or nil
end

describe("A copy over NBD", function()
  local dir
  local reason = lacking()
  local function it_(name, fn)
    it(name, reason and function() pending(reason) end or fn)
  end

  before_each(function() dir = helper.scratch() end)
  after_each(function() os.execute("rm -rf " .. dir) end)

  local function sh(command, ...)
    command = ("cd %s && "):format(dir) .. command:format(...)
    local code, out, err = helper.run("sh -c " .. helper.quoted(command))
    assert.equal(0, code, command .. "\n" .. err)
    return out
  end

  -- qcow2 of so many blocks, with these written: { number = byte }.
  local function image(name, blocks, bytes)
    sh("qemu-img create -q -f qcow2 %s %d", name, blocks * BLOCK)
    for number, byte in pairs(bytes) do
      sh("qemu-io -c 'write -q -P %d %d %d' %s", byte, number * BLOCK, BLOCK, name)
    end
  end

  local function server(name, options)
    options = options or {}
    return { "qemu-nbd", options.write and "--discard=unmap" or "--read-only",
      options.bitmap and "--bitmap=" .. options.bitmap or "--cache=writeback", "-f", "qcow2", dir .. "/" .. name }
  end

  local function list(name, sha256)
    return { path = dir .. "/" .. name, sha256 = sha256 }
  end

  local function copy(spec)
    local job <close> = core.nbd_copy(spec)
    assert.is_true(job:wait(120))
    return job:result()
  end

  local function lines(name)
    local found = {}
    for line in io.lines(dir .. "/" .. name) do
      found[#found + 1] = line
    end
    return found
  end

  it_("has what the source has, and a list of checksums of it", function()
    image("from.qcow2", 100, { [0] = 1, [3] = 2, [4] = 3, [99] = 4 })
    image("to.qcow2", 100, {})
    local result = copy({ from = server("from.qcow2"), to = server("to.qcow2", { write = true }), made = dir .. "/sums" })
    sh("qemu-img compare from.qcow2 to.qcow2")
    assert.equal(4 * BLOCK, result.read)
    assert.equal(4 * BLOCK, result.written)
    assert.equal(100 * BLOCK, result.size)
    local found = lines("sums")
    assert.equal("guestlua-sums 1 " .. 100 * BLOCK, found[1])
    assert.equal(("%d %d zero"):format(BLOCK, 2 * BLOCK), found[3])
    local wanted = sh("head -c %d /dev/zero | tr '\\0' '\\2' | sha256sum", BLOCK):match("^%x+")
    assert.equal(("%d %d %s"):format(3 * BLOCK, BLOCK, wanted), found[4])
    assert.equal(7, #found)
    assert.equal(sh("sha256sum sums"):match("^%x+"), result.made_sha256)
  end)

  it_("of what changed since a bitmap, zeros too, makes an increment over what was saved", function()
    image("from.qcow2", 100, { [0] = 1, [3] = 2, [4] = 3 })
    image("full.qcow2", 100, {})
    local full = copy({ from = server("from.qcow2"), to = server("full.qcow2", { write = true }), made = dir .. "/full" })
    sh("qemu-img bitmap --add from.qcow2 since")
    sh("qemu-io -c 'write -q -P 9 %d %d' -c 'write -q -z %d %d' from.qcow2", 50 * BLOCK, BLOCK, 3 * BLOCK, BLOCK)
    sh("qemu-img create -q -f qcow2 -b full.qcow2 -F qcow2 increment.qcow2")
    local result = copy({ from = server("from.qcow2", { bitmap = "since" }), to = server("increment.qcow2", { write = true }),
      bitmap = "qemu:dirty-bitmap:since", made = dir .. "/increment", lists = { list("full", full.made_sha256) } })
    sh("qemu-img compare from.qcow2 increment.qcow2")
    assert.equal(BLOCK, result.read)
    assert.equal(BLOCK, result.zeroed)
    -- the same disk saved at once has the same checksum
    image("again.qcow2", 100, {})
    local again = copy({ from = server("from.qcow2"), to = server("again.qcow2", { write = true }), made = dir .. "/again" })
    assert.equal(again.image_sha256, result.image_sha256)
    assert.not_equal(full.image_sha256, result.image_sha256)
    -- and it is what its lists say
    local lists = { list("increment", result.made_sha256), list("full", full.made_sha256) }
    assert.equal(result.image_sha256, copy({ from = server("increment.qcow2"), lists = lists, compare = true, whole = true }).image_sha256)
    -- a block that rots in the full backup is found through the increment
    sh("qemu-io -c 'write -q -P 7 0 512' full.qcow2")
    local e = helper.failure(copy, { from = server("increment.qcow2"), lists = lists, compare = true, whole = true })
    assert.equal("checksum_error", e.kind)
    assert.matches("at byte 0 ", e.message)
    -- but the increment's own blocks are right
    copy({ from = server("increment.qcow2"), lists = { lists[1] }, compare = true })
  end)

  it_("of what some lists of a chain have, zeros too, merges them into one image with one list", function()
    image("full.qcow2", 100, { [0] = 1, [3] = 2, [4] = 3 })
    local from, lists = "full", {}
    for i, change in ipairs({ { 9, 50 }, { 0, 3 }, { 8, 50 } }) do -- each overwrites what one before it has
      local name = "increment" .. i
      sh("qemu-img create -q -f qcow2 -b %s.qcow2 -F qcow2 %s.qcow2", from, name)
      sh("qemu-io -c 'write -q %s %d %d' %s.qcow2", change[1] == 0 and "-z" or "-P " .. change[1], change[2] * BLOCK, BLOCK, name)
      local sum = change[1] == 0 and "zero" or core.sha256(string.char(change[1]):rep(BLOCK))
      local file <close> = assert(io.open(dir .. "/" .. name, "w"))
      file:write(("guestlua-sums 1 %d\n%d %d %s\n"):format(100 * BLOCK, change[2] * BLOCK, BLOCK, sum))
      table.insert(lists, 1, list(name))
      from = name
    end
    local below = { list("full", copy({ from = server("full.qcow2"), made = dir .. "/full" }).made_sha256) }
    sh("qemu-img create -q -f qcow2 -b full.qcow2 -F qcow2 merged.qcow2")
    local merged = copy({ from = server("increment3.qcow2"), to = server("merged.qcow2", { write = true }), made = dir .. "/merged", compare = true,
      lists = lists, below = below })
    sh("qemu-img compare increment3.qcow2 merged.qcow2")
    assert.equal(BLOCK, merged.read)
    assert.equal(BLOCK, merged.zeroed)
    assert.equal(3, #lines("merged"))
    local all = copy({ from = server("increment3.qcow2"), made = dir .. "/all" })
    assert.equal(all.image_sha256, merged.image_sha256)
    local chain = { list("merged", merged.made_sha256), below[1] }
    assert.equal(all.image_sha256, copy({ from = server("merged.qcow2"), lists = chain, compare = true, whole = true }).image_sha256)
  end)

  it_("finds a block that is gone, one that came, and a list that is not the one that was made", function()
    image("from.qcow2", 20, { [5] = 1 })
    image("to.qcow2", 20, {})
    local made = copy({ from = server("from.qcow2"), to = server("to.qcow2", { write = true }), made = dir .. "/sums" })
    local function verify(sha256)
      return helper.failure(copy, { from = server("to.qcow2"), lists = { list("sums", sha256 or made.made_sha256) }, compare = true, whole = true })
    end
    sh("cp to.qcow2 kept; qemu-io -c 'write -q -z -u %d %d' to.qcow2", 5 * BLOCK, BLOCK)
    assert.matches("at byte " .. 5 * BLOCK, verify().message)
    sh("cp kept to.qcow2; qemu-io -c 'write -q -P 1 %d 512' to.qcow2", 7 * BLOCK)
    assert.matches("at byte " .. 7 * BLOCK, verify().message)
    sh("cp kept to.qcow2; sed -i 's/%d zero/%d zero/' sums", 14 * BLOCK, 13 * BLOCK)
    assert.matches("not what the manifest says", verify().message)
    sh("sed -i '$d' sums")
    assert.equal("checksum_error", verify(sh("sha256sum sums"):match("^%x+")).kind)
    for _, text in ipairs({ "", "guestlua-sums 1 x\n", "guestlua-sums 1 1310720\n0 65536 zz\n", "guestlua-sums 1 1310720\n0 0 zero\n",
      "guestlua-sums 1 1310720\n0 1310721 zero\n", "guestlua-sums 1 1310720\n0 65536 zero\n0 65536 zero\n",
      "guestlua-sums 1 1310720\n18446744073709486080 131072 zero\n", ("x"):rep(1000) }) do
      local file <close> = assert(io.open(dir .. "/sums", "w"))
      file:write(text)
      file:flush()
      local e = helper.failure(copy, { from = server("to.qcow2"), lists = { list("sums") }, compare = true })
      assert.equal("checksum_error", e.kind, text)
    end
  end)

  it_("says why it cannot be made: no server, no bitmap, another size, no room", function()
    image("from.qcow2", 400, {})
    sh("qemu-io -c 'write -q -P 1 0 %d' from.qcow2", 400 * BLOCK)
    assert.equal("nbd_error", helper.failure(copy, { from = { "/nonexistent/program" } }).kind)
    assert.equal("nbd_error", helper.failure(copy, { from = "nbd+unix:///?socket=" .. dir .. "/none" }).kind)
    assert.equal("nbd_error", helper.failure(copy, { from = { "false" } }).kind)
    local e = helper.failure(copy, { from = server("from.qcow2"), bitmap = "qemu:dirty-bitmap:none" })
    assert.matches("does not offer 'qemu:dirty%-bitmap:none'", e.message)
    image("small.qcow2", 399, {})
    assert.equal("size_mismatch", helper.failure(copy, { from = server("from.qcow2"), to = server("small.qcow2", { write = true }) }).kind)
    image("to.qcow2", 400, {})
    local limited = { "sh", "-c", 'ulimit -f 2000; trap "" XFSZ; exec "$@"', "sh", table.unpack(server("to.qcow2", { write = true })) }
    e = helper.failure(copy, { from = server("from.qcow2"), to = limited })
    assert.matches("^the destination", e.message)
    e = helper.failure(copy, { from = server("from.qcow2"), made = "/dev/full" })
    assert.equal("system_error", e.kind) -- it is there already
  end)

  it_("can be ended in the middle, leaves no program behind, and keeps to a rate", function()
    image("from.qcow2", 400, {})
    sh("qemu-io -c 'write -q -P 1 0 %d' from.qcow2", 400 * BLOCK)
    image("to.qcow2", 400, {})
    local began = core.now()
    do
      local job <close> = core.nbd_copy({ from = server("from.qcow2"), to = server("to.qcow2", { write = true }), rate = 1 << 20 })
      assert.is_false(job:wait(1.5))
      local progress = job:progress()
      assert.is_true(progress.at < 8 << 20, progress.at)
    end
    assert.is_true(core.now() - began < 20)
    sh("qemu-img check -q to.qcow2") -- nobody has it open
  end)

  it_("is a wait like any other: a task that is cancelled ends it", function()
    image("from.qcow2", 400, {})
    sh("qemu-io -c 'write -q -P 1 0 %d' from.qcow2", 400 * BLOCK)
    local guestlua = require("guestlua")
    local task = guestlua.spawn(function()
      copy({ from = server("from.qcow2"), rate = 1 << 20 })
    end)
    guestlua.sleep(0.3)
    task:cancel()
    assert.equal("cancelled", helper.failure(task.wait, task).kind)
  end)
end)
