PRAGMA page_size = 4096;
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id), amount REAL, note TEXT);
CREATE INDEX orders_customer ON orders (customer, amount);

BEGIN;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
INSERT INTO customers SELECT i, printf('customer %04d', i), substr('OsloLimaPortTuri', 1 + 4 * (i * 7 % 4), 4) FROM n;
WITH RECURSIVE n (i, x) AS (SELECT 1, 12345 UNION ALL SELECT i + 1, x * 48271 % 2147483647 FROM n WHERE i < 30000)
INSERT INTO orders SELECT i, 1 + x % 500, (x % 100000) / 100.0, 'order ' || hex(x) FROM n;
COMMIT;

SELECT city, count(*), round(sum(amount), 2), round(sqrt(avg(amount * amount)), 6)
FROM orders JOIN customers ON customers.id = customer GROUP BY city ORDER BY city;
SELECT name, total, rank FROM (
    SELECT name, round(sum(amount), 2) AS total, rank() OVER (ORDER BY sum(amount) DESC) AS rank
    FROM orders JOIN customers ON customers.id = customer GROUP BY customer)
WHERE rank <= 5 ORDER BY rank;

CREATE TRIGGER audit AFTER DELETE ON orders BEGIN UPDATE customers SET name = name || '*' WHERE id = old.customer; END;
DELETE FROM orders WHERE amount < 20 AND customer % 3 = 0;
SELECT count(*), sum(length(name)) FROM customers WHERE name LIKE '%*';
BEGIN;
DELETE FROM orders;
SELECT 'inside the transaction', count(*) FROM orders;
ROLLBACK;
SELECT 'after the rollback', count(*) FROM orders;
SELECT json_group_array(json_object('id', id, 'note', note)) FROM (SELECT * FROM orders ORDER BY amount DESC LIMIT 3);
VACUUM;
PRAGMA integrity_check;
SELECT count(*) FROM missing;
