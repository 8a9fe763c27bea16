;; A try_table without a body at the end of a loop, which its clauses name.
(module
  (func (export "f") (param i32) (result i32)
    (local i32)
    loop
      local.get 0
      if
      end
      local.get 1
      i32.const 1
      i32.add
      local.set 1
      try_table (catch_all 0) (catch_all 0)
      end
    end
    local.get 1
  )
)
(assert_return (invoke "f" (i32.const 0)) (i32.const 1))
