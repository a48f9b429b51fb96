@cluster @disruptive @alone
Feature: More than one machine
  As an operator
  I want the application to run on several machines
  so that one of them can be mended, or break, while people go on using it.

  @FR-002 @US2.1
  Scenario: Its parts run on different machines and find each other
    Given a cluster with several nodes for pods
    And a second installation of the application, with 2 pods of each part
    And a place inside the cluster to look from
    Then the pods of each part run on different nodes
    And they answer from node to node
    And people reach it through every node

  @EC-4
  Scenario: A machine is emptied for its maintenance, and nobody notices
    Given a cluster with several nodes for pods
    And nodes that may be taken away
    And a second installation of the application, with 2 pods of each part
    And people who use it all the time
    When a node with a pod of the backend is drained
    Then 2 pods of each part run on the other nodes
    And not one request was lost
    When the node is given back
    Then not one request was lost

  @EC-4
  Scenario: A machine is not emptied as long as too little would be left
    Given a cluster with several nodes for pods
    And nodes that may be taken away
    And a second installation of the application, with 2 pods of each part, of which none may be taken away
    When a node with a pod of the backend is to be drained within 8 seconds
    Then that fails, because too few would be left
    And no pod of it was taken away

  @EC-4 @extended
  Scenario: A machine is lost, and comes back
    Given a cluster with several nodes for pods
    And nodes that may be taken away
    And a second installation of the application, with 2 pods of each part, which leave a lost node after 5 seconds
    And people who use it all the time
    When a node with a pod of the backend is lost
    Then within 120 seconds 2 pods of each part are ready on the other nodes
    And people were without an answer for at most 75 seconds
    When the node comes back
    Then it is healthy, and has ended what was moved away meanwhile
