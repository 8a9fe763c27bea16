;; An absorbed address sum may read the home of the stored constant, which must not be written before it is read.

(module
  (memory 1)
  (data (i32.const 0) "\08\00\00\00")
  (func (export "constant base") (result i32)
    (i32.store offset=4 (i32.add (i32.const 16) (i32.load (i32.const 0))) (i32.const 0x12345678))
    (i32.load (i32.const 28)))
  (func (export "two temporaries") (result i32)
    (i32.store offset=4 (i32.add (i32.load (i32.const 0)) (i32.load (i32.const 0))) (i32.const 0x23456789))
    (i32.load (i32.const 20)))
  (func (export "scaled") (result i32)
    (i32.store offset=4 (i32.add (i32.load (i32.const 0)) (i32.shl (i32.load (i32.const 0)) (i32.const 2))) (i32.const 0x3456789a))
    (i32.load (i32.const 44)))
  (func (export "float") (result f64)
    (f64.store offset=8 (i32.add (i32.const 16) (i32.load (i32.const 0))) (f64.const 1.5))
    (f64.load (i32.const 32))))

(assert_return (invoke "constant base") (i32.const 0x12345678))
(assert_return (invoke "two temporaries") (i32.const 0x23456789))
(assert_return (invoke "scaled") (i32.const 0x3456789a))
(assert_return (invoke "float") (f64.const 1.5))
