;; Evaluates pseudo-random expression trees whose nodes throw: on division by zero, on overflow and to abandon a
;; tree. Handlers sit at different depths: some recover a value, some clean up and throw on, the last one counts.
(module
  (tag $zero_division (param i64))
  (tag $overflow (param i64 i32))
  (tag $abandoned)

  (global $random (mut i64) (i64.const 0))
  (global $sum (mut i64) (i64.const 0))
  (global $open (mut i32) (i32.const 0))  ;; resources held: the cleanups must bring it back to 0

  ;; Counts, a word each: trees by how they ended, and what the handlers within them caught.
  (memory (export "memory") 1)

  (func $next (result i64)
    (local $z i64)
    (local.set $z (i64.add (global.get $random) (i64.const 0x9e3779b97f4a7c15)))
    (global.set $random (local.get $z))
    (local.set $z (i64.mul (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 30)))
                           (i64.const 0xbf58476d1ce4e5b9)))
    (local.set $z (i64.mul (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 27)))
                           (i64.const 0x94d049bb133111eb)))
    (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 31))))

  (func $fold (param $value i64)
    (local $x i64)
    (local.set $x (i64.mul (i64.xor (global.get $sum) (local.get $value)) (i64.const 0xff51afd7ed558ccd)))
    (global.set $sum (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 32)))))

  (func $count (param $kind i32)
    (local $at i32)
    (local.set $at (i32.shl (i32.and (local.get $kind) (i32.const 15)) (i32.const 2)))
    (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (i32.const 1))))

  ;; The inner functions that throw, depending on the data.
  (func $divide (param $a i64) (param $b i64) (result i64)
    (if (i64.eqz (i64.and (local.get $b) (i64.const 31)))
      (then (throw $zero_division (local.get $a))))
    (i64.div_s (local.get $a) (i64.or (i64.and (local.get $b) (i64.const 31)) (i64.const 1))))

  (func $checked (param $value i64) (param $depth i32) (result i64)
    (if (i64.gt_u (i64.add (local.get $value) (i64.const 0x40000000)) (i64.const 0x80000000))
      (then (throw $overflow (local.get $value) (local.get $depth))))
    (local.get $value))

  ;; Recovers from a division by zero within the subtree: its dividend is the value.
  (func $recovering (param $depth i32) (result i64)
    (block $caught (result i64)
      (return (try_table (result i64) (catch $zero_division $caught)
        (call $evaluate (local.get $depth)))))
    (call $count (i32.const 1))
    (i64.and (i64.const 0xffff)))

  ;; Holds a resource meanwhile; whatever passes through releases it and goes on.
  (func $holding (param $depth i32) (result i64)
    (local $value i64)
    (global.set $open (i32.add (global.get $open) (i32.const 1)))
    (block $unwinding (result exnref)
      (local.set $value
        (try_table (result i64) (catch_all_ref $unwinding)
          (i64.sub (call $evaluate (local.get $depth)) (call $evaluate (local.get $depth)))))
      (global.set $open (i32.sub (global.get $open) (i32.const 1)))
      (return (local.get $value)))
    (global.set $open (i32.sub (global.get $open) (i32.const 1)))
    (call $count (i32.const 2))
    (throw_ref))

  ;; Translates an overflow into the abandonment of the tree, or into a value when it happened deep down.
  (func $translating (param $depth i32) (result i64)
    (local $at i32)
    (block $caught (result i64 i32)
      (return (try_table (result i64) (catch $overflow $caught)
        (call $evaluate (local.get $depth)))))
    (local.set $at)
    (call $count (i32.add (i32.const 3) (i32.and (local.get $at) (i32.const 3))))
    (if (i32.gt_u (local.get $at) (i32.const 2)) (then (throw $abandoned)))
    (i64.shr_s (i64.const 20)))

  (func $evaluate (param $depth i32) (result i64)
    (local $r i64)
    (local $below i32)
    (local.set $r (call $next))
    (if (i32.eqz (local.get $depth))
      (then (return (i64.and (local.get $r) (i64.const 0xfff)))))
    (local.set $below (i32.sub (local.get $depth) (i32.const 1)))
    (block $leaf (block $hold (block $translate (block $recover (block $divide (block $multiply (block $add
      (br_table $add $add $add $multiply $multiply $divide $divide $recover $recover $translate $hold $hold
                $add $multiply $leaf $leaf
        (i32.and (i32.wrap_i64 (i64.shr_u (local.get $r) (i64.const 33))) (i32.const 15))))
      ;; add
      (return (i64.add (call $evaluate (local.get $below)) (call $evaluate (local.get $below)))))
      ;; multiply
      (return (call $checked
        (i64.mul (call $evaluate (local.get $below)) (call $evaluate (local.get $below)))
        (local.get $depth))))
      ;; divide
      (return (call $divide (call $evaluate (local.get $below)) (call $evaluate (local.get $below)))))
      ;; recover
      (return (call $recovering (local.get $below))))
      ;; translate
      (return (call $translating (local.get $below))))
      ;; hold
      (return (call $holding (local.get $below))))
    ;; leaf
    (i64.shr_s (local.get $r) (i64.const 48)))

  ;; One tree; every exception ends here.
  (func $tree (param $depth i32)
    (local $level i32)
    (block $other
      (block $overflowed (result i64 i32)
        (block $divided (result i64)
          (call $fold
            (try_table (result i64)
              (catch $zero_division $divided) (catch $overflow $overflowed) (catch_all $other)
              (call $evaluate (local.get $depth))))
          (call $count (i32.const 0))
          (return))
        (call $fold)
        (call $count (i32.const 8))
        (return))
      (local.set $level)
      (call $fold (i64.add (i64.extend_i32_u (local.get $level))))
      (call $count (i32.const 9))
      (return))
    (call $fold (i64.const 77))
    (call $count (i32.const 10)))

  (func (export "run") (param $n i32) (result i64)
    (local $i i32)
    (global.set $random (i64.const 29))
    (global.set $sum (i64.const 0))
    (memory.fill (i32.const 0) (i32.const 0) (i32.const 64))
    (block $done
      (loop $trees
        (br_if $done (i32.ge_s (local.get $i) (local.get $n)))
        (call $tree (i32.add (i32.const 3) (i32.rem_u (local.get $i) (i32.const 5))))
        (if (global.get $open) (then (unreachable)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $trees)))
    (local.set $i (i32.const 0))
    (loop $counts
      (call $fold (i64.load32_u (i32.shl (local.get $i) (i32.const 2))))
      (br_if $counts (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 16))))
    (global.get $sum)))
